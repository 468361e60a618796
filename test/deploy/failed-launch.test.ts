import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  DescribeInstanceCreditSpecificationsCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { createClients } from "../../lib/aws/clients.ts";
import { BerthError } from "../../lib/errors.ts";
import { openInProcess } from "../strict-aws/in-process.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-launch-"));
const aws = await startStrictAws({
  logDirectory: directory,
  ecr: true,
  rules: {
    failedLaunches: {
      fullZones: ["eu-central-1a"],
      reasons: [
        "Server.InternalError",
        "Client.InternalError",
        "",
        "Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request",
      ],
    },
  },
});
const stack = await openInProcess({ aws, directory, stack: "unlucky" });
after(async () => {
  await stack[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
const { ec2 } = createClients({ region: "eu-central-1", endpoints: aws.bare, credentials: aws.credentials });
const launches = () =>
  aws.calls.filter((call) => call.operation === "RunInstances" && call.outcome === "ok").length;

async function zones(): Promise<(string | undefined)[]> {
  const Filters = [{ Name: "tag:berth:stack", Values: ["unlucky"] }];
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
  return Subnets.map(({ AvailabilityZone }) => AvailabilityZone);
}

describe("a launch that fails", () => {
  it("for lack of capacity goes on in another zone, and by an internal error of AWS with another token", async () => {
    const told: string[] = [];
    const error: unknown = await stack.up({ told }).catch((cause: unknown) => cause);

    // The third launch fails by a reason of the account's own, such as a key that EBS may not use.
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, "InstanceFailed");
    assert.match(error.message, /Client\.InternalError/);
    assert.ok(told.includes("eu-central-1a has no t3.micro left; trying eu-central-1b"), told.join("\n"));
    assert.deepEqual(await zones(), ["eu-central-1b"]);
    assert.equal(launches(), 2);
  });

  it("isn't found again by the next run, which launches another instance in the same zone", async () => {
    const { plan } = await stack.up();

    const step = plan.steps.find(({ name }) => name === "instance");
    assert.match(step?.because ?? "", /^i-\w+ is gone$/);
    assert.equal(launches(), 3);
    assert.deepEqual(await zones(), ["eu-central-1b"]);
    assert.deepEqual((await stack.plan()).plan.steps, []);
    // The release that waited for the host has limited it.
    const { InstanceCreditSpecifications = [] } = await ec2.send(
      new DescribeInstanceCreditSpecificationsCommand({}),
    );
    const credits = InstanceCreditSpecifications.map(({ CpuCredits }) => CpuCredits);
    assert.ok(credits.includes("standard"), credits.join());
  });

  it("for lack of capacity some time after the launch goes on in another zone too, from a subnet of an earlier run", async () => {
    const Filters = [{ Name: "instance-state-name", Values: ["running"] }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const hosts = Reservations.flatMap(({ Instances = [] }) => Instances);
    const InstanceIds = hosts.flatMap(({ InstanceId }) => InstanceId ?? []);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));

    const told: string[] = [];
    await stack.up({ told });

    assert.deepEqual(told, [
      "eu-central-1b has no t3.micro left; trying eu-central-1a",
      "eu-central-1a has no t3.micro left; trying eu-central-1c",
    ]);
    assert.deepEqual(await zones(), ["eu-central-1c"]);
    assert.deepEqual((await stack.plan()).plan.steps, []);
  });
});
