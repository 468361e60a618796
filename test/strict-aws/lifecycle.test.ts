import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DescribeAddressesCommand, DescribeInstancesCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { ListRolesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { startStrictAws } from "./strict-aws.ts";
import { openCli, story } from "./cli.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-lifecycle-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const cli = await openCli({ aws, directory, stack: "test-lifecycle" });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

describe("a stack in an AWS that behaves like AWS", () => {
  it("comes up", async () => {
    const ended = await cli.run("up", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    const url = ended.summary?.url ?? "";
    assert.match(url, /^http:\/\/127\./);
    assert.equal((await fetch(url)).status, 200);
  });

  it("is left alone by a second up", async () => {
    const before = aws.calls.length;
    const ended = await cli.run("up", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.equal(ended.summary?.outcome, "unchanged", story(ended));
    const calls = aws.calls.slice(before);
    assert.ok(calls.length > 10);
    assert.deepEqual(
      calls.filter(({ kind }) => kind === "write").map(({ operation }) => operation),
      [],
    );
  });

  it("goes, and nothing is left", async () => {
    const ended = await cli.run("down", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.deepEqual(ended.summary?.left, []);
    const { ec2, iam, s3 } = createClients({
      region: cli.region,
      endpoints: aws.bare,
      credentials: aws.credentials,
    });
    const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
    const { Addresses } = await ec2.send(new DescribeAddressesCommand({}));
    const living = { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] };
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters: [living] }));
    const { Roles } = await iam.send(new ListRolesCommand({ PathPrefix: "/berth/" }));
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    assert.deepEqual(
      [Vpcs.filter(({ IsDefault }) => IsDefault !== true), Addresses, Reservations, Roles, Buckets ?? []],
      [[], [], [], [], []],
    );
  });

  it("met what AWS does and the emulators don't", () => {
    const met = new Set(aws.calls.map(({ operation, outcome }) => `${operation} ${outcome}`));
    const expected = [
      // The profile was new.
      "RunInstances InvalidParameterValue",
      // So was everything else.
      "AttachInternetGateway InvalidInternetGatewayID.NotFound",
      "AssociateAddress InvalidAllocationID.NotFound",
      // The host's network interface lingered.
      "DeleteSecurityGroup DependencyViolation",
    ];
    assert.deepEqual(
      expected.filter((one) => !met.has(one)),
      [],
    );
  });
});
