import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import { createClients } from "../../lib/aws/clients.ts";
import { openCli } from "../strict-aws/cli.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

test("a host of a type that its zone doesn't offer moves to another zone, with a subnet beside the old one", async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-zone-"));
  const rules = { offeredZones: { "m5.large": ["eu-central-1b", "eu-central-1c"] } };
  await using aws = await startStrictAws({ logDirectory: directory, ecr: true, rules });
  await using cli = await openCli({ aws, directory, stack: "test-zone" });
  const { ec2 } = createClients({ region: cli.region, endpoints: aws.bare, credentials: aws.credentials });
  const place = async () => {
    const Filters = [{ Name: "tag:berth:resource", Values: ["subnet"] }];
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
    return Subnets.map(({ CidrBlock, AvailabilityZone }) => `${CidrBlock} ${AvailabilityZone}`);
  };
  assert.equal((await cli.run("up", "--yes")).exitCode, 0);
  assert.deepEqual(await place(), ["10.20.0.0/24 eu-central-1a"]);

  await cli.configure({ instance: { type: "m5.large" } });
  const moved = await cli.run("up", "--yes");

  assert.equal(moved.exitCode, 0, moved.stderr);
  assert.deepEqual(await place(), ["10.20.1.0/24 eu-central-1b"]);
  assert.equal((await cli.run("plan")).exitCode, 0);
  assert.equal((await cli.run("down", "--yes")).exitCode, 0);
  await rm(directory, { recursive: true });
});
