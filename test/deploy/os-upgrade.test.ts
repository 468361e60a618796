import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { DescribeInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { openCli } from "../strict-aws/cli.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-upgrade-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const cli = await openCli({ aws, directory, stack: "upgrade" });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const { ec2, s3 } = createClients({
  region: cli.region,
  endpoints: aws.bare,
  credentials: aws.credentials,
});
const state = { Bucket: "berth-upgrade-123456789012-eu-central-1", Key: "state.json" };
/** An image of some other day. */
const older = "ami-12c6146b";

async function findHost() {
  const Filters = [{ Name: "instance-state-name", Values: ["running"] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  const hosts = Reservations.flatMap(({ Instances = [] }) => Instances);
  assert.equal(hosts.length, 1);
  return { id: hosts[0]?.InstanceId ?? "", image: hosts[0]?.ImageId };
}

async function run(exitCode: number, command: "up" | "plan", ...more: string[]) {
  const ended = await cli.run(command, ...more);
  assert.equal(ended.exitCode, exitCode, ended.stderr + JSON.stringify(ended.events));
  return JSON.stringify(ended.events.find(({ event }) => event === "plan"));
}

it("a newer image of the system is announced, and taken by up --upgrade-os alone", async () => {
  await run(0, "up", "--yes");
  const first = await findHost();
  const { Body } = await s3.send(new GetObjectCommand(state));
  const document: { pins: Record<string, string> } = JSON.parse((await Body?.transformToString()) ?? "");
  assert.deepEqual(document.pins, { "image.debian-13": first.image });
  // As if the host had been launched a while ago.
  const pins = { "image.debian-13": older };
  await s3.send(new PutObjectCommand({ ...state, Body: JSON.stringify({ ...document, pins }) }));
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [first.id] }));
  await run(0, "up", "--yes");
  assert.equal((await findHost()).image, older);

  const plan = await run(0, "plan");
  assert.match(plan, /"code":"newer-image","message":"there is a newer image of debian-13: ami-[0-9a-f]+"/);
  assert.match(plan, /up --upgrade-os replaces the host/);
  await run(0, "up", "--yes");
  assert.equal((await findHost()).image, older);

  const upgrade = await run(0, "up", "--yes", "--upgrade-os");
  assert.match(
    upgrade,
    /"field":"image","desired":"ami-[0-9a-f]+","observed":"ami-12c6146b","action":"replace"/,
  );
  assert.equal((await findHost()).image, first.image);
  assert.doesNotMatch(await run(0, "plan"), /newer-image/);
  const again = await run(0, "up", "--yes", "--upgrade-os");
  assert.doesNotMatch(again, /"action":"replace"/);
});
