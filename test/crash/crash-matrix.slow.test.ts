import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runMatrix } from "./matrix.ts";
import { describePoint, type CrashPoint } from "./points.ts";

/** Some of each kind of trouble, and the rest of the matrix by `npm run crash-matrix`. About as many of each run: one life tries all three. */
const chosen = [
  "first s3:PutObject lease.json#1 after its reply",
  "first s3:PutObject state.json (intents)#1 after its effect",
  "first ec2:CreateVpc#1 after its effect",
  "change s3:PutObject release.json#1 before",
  "replace ec2:RunInstances#1 after its effect",
  "replace ec2:TerminateInstances#1 before",
  "renewal s3:PutObject lease.json#2 after its effect",
  "down ec2:TerminateInstances#1 after its effect",
  "down ec2:ReleaseAddress#1 after its reply",
  "down s3:DeleteBucket#1 before",
];

const choose = (points: readonly CrashPoint[]) =>
  points.filter((point) => chosen.includes(describePoint(point)));

describe("a run that is killed", () => {
  it("is finished by the next one, and leaves one of everything or nothing", async () => {
    const results = await runMatrix({ benches: 2, choose });
    assert.deepEqual(results.map(({ point }) => point).toSorted(), chosen.toSorted());
    const failed = results.filter(({ verdict }) => verdict !== "converged");
    assert.deepEqual(failed, []);
  });
});
