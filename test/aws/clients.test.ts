import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CreateVpcCommand } from "@aws-sdk/client-ec2";
import { createClients } from "../../lib/aws/clients.ts";
import { BerthError } from "../../lib/errors.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-clients-"));
const aws = await startStrictAws({ logDirectory });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});

/** Sends a create whose lease is lost after it was found held so many times; how each try that reached AWS ended. */
async function triesUntilLost(timesHeld: number): Promise<(string | undefined)[]> {
  const lost = new BerthError({ code: "LeaseLost", message: "it is somebody else's" });
  let asked = 0;
  const beforeWrite = () => {
    asked += 1;
    if (asked > timesHeld) throw lost;
  };
  const before = aws.calls.length;
  const { ec2 } = createClients({ ...aws, region: "eu-central-1", beforeWrite });
  await assert.rejects(ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" })), lost);
  return aws.calls.slice(before).map(({ outcome }) => outcome);
}

test("clients: a write is not prepared without the lease", async () => {
  assert.deepEqual(await triesUntilLost(0), []);
});

test("clients: a lease that is lost while a write is prepared keeps it from being sent", async () => {
  assert.deepEqual(await triesUntilLost(1), []);
});

test("clients: a lease that is lost between two tries of the SDK keeps the second from being sent", async () => {
  aws.faults.once("ec2:CreateVpc", "throttle");
  assert.deepEqual(await triesUntilLost(2), ["RequestLimitExceeded"]);
});
