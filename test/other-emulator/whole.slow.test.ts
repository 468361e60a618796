import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openCli, story, type Ended } from "../strict-aws/cli.ts";
import { startMinistack } from "./ministack.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-ministack-"));
const aws = await startMinistack(directory, ["ec2", "ecr", "iam", "s3", "ssm", "sts"]);
const cli = await openCli({ aws, directory, stack: "test-whole" });
// The only system whose images ministack knows, and a type without CPU credits, which it doesn't keep.
await cli.configure({ instance: { os: "amazon-linux-2023", type: "m5.large" } });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const made = ({ events }: Ended): string[] =>
  events
    .filter(({ event, action }) => event === "end" && action === "create")
    .map(({ name }) => String(name));

describe("a stack in an AWS that is wholly of another maker", () => {
  it("is planned", async () => {
    const ended = await cli.run("plan");
    assert.equal(ended.exitCode, 2, story(ended));
  });

  it("is made but for the host, whose settings this maker can't change", async () => {
    const ended = await cli.run("up", "--yes");

    assert.equal(ended.exitCode, 1, story(ended));
    const failed = ended.events.filter(({ event }) => event === "fail").map(({ name }) => name);
    assert.deepEqual(failed, ["instance"], story(ended));
    const expected = ["bucket", "repository", "vpc", "subnet", "route-table", "security-group", "role"];
    const seen = made(ended);
    assert.deepEqual(
      expected.filter((name) => !seen.includes(name)),
      [],
    );
  });

  it("goes, and nothing is left", async () => {
    const ended = await cli.run("down", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.deepEqual(ended.summary?.left, []);
  });

  it("needed only these calls that this maker doesn't know", () => {
    // The second one, because ministack also drops the user data of RunInstances: `up` sets it again.
    assert.deepEqual([...aws.unknown].toSorted(), [
      "DescribeInstanceTypeOfferings",
      "ModifyInstanceAttribute",
    ]);
  });
});
