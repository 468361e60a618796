import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { openBench, type Bench } from "./bench.ts";
import { bundleRunner } from "./bundle.ts";
import { takeInventory } from "./inventory.ts";
import { pointsOf, describePoint, type CrashPoint } from "./points.ts";
import { last, volumes, type Scenario } from "./scenarios.ts";
import { killAt, record, runToEnd } from "./trial.ts";

const keep: Scenario = { ...last, words: ["--keep-data"] };
/** Each life leaves a snapshot. The next one begins anew beside it. */
const first: Scenario = { name: "first", command: "up", words: ["--new-data"], settings: { volumes } };
const restore: Scenario = { ...first, words: ["--restore-data", "latest"] };
const forget: Scenario = { ...last, words: ["--delete-data"] };

const isAboutData = ({ operation }: CrashPoint): boolean =>
  /^ec2:(CreateTags|CreateSnapshot|DeleteVolume|TerminateInstances)$/.test(operation);

describe("a teardown that keeps the data and is killed", () => {
  let directory: string;
  let bench: Bench;
  let points: readonly CrashPoint[];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-crash-"));
    bench = await openBench(await bundleRunner(directory));
    await runToEnd(bench, first);
    const { writes } = await record(bench, keep);
    points = pointsOf(keep, writes).filter(isAboutData);
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const snapshots = async () => {
    const Filters = [{ Name: "tag:berth:stack", Values: [bench.cli.stack] }];
    const { Snapshots = [] } = await bench.bare.ec2.send(new DescribeSnapshotsCommand({ Filters }));
    return Snapshots.map(({ SnapshotId = "" }) => SnapshotId);
  };

  it("is finished by the next one, with one snapshot and nothing else, wherever it was killed", async () => {
    assert.equal(points.length, 12, points.map(describePoint).join());
    for (const point of points) {
      await runToEnd(bench, first);
      const earlier = new Set(await snapshots());
      const isKilled = await killAt(bench, point);
      await runToEnd(bench, keep);

      const made = (await snapshots()).filter((id) => !earlier.has(id));
      const left = (await takeInventory(bench.bare)).filter(({ kind }) => kind !== "snapshot");
      assert.deepEqual([isKilled, made.length, left], [true, 1, []], describePoint(point));
    }
  });

  it("and then an up: what the killed run kept no longer counts as the last state", async () => {
    await runToEnd(bench, first);
    const afterSnapshot = points.find(
      ({ operation, stage }) => operation === "ec2:CreateSnapshot" && stage === "answered",
    );
    assert.ok(afterSnapshot);
    const earlier = new Set(await snapshots());
    await killAt(bench, afterSnapshot);
    await runToEnd(bench, first);
    await runToEnd(bench, keep);

    assert.equal((await snapshots()).filter((id) => !earlier.has(id)).length, 2);
  });

  it("can be restored, and given up for good", async () => {
    await runToEnd(bench, restore);
    await runToEnd(bench, forget);

    assert.deepEqual(await takeInventory(bench.bare), []);
  });
});
