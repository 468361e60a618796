import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import {
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { DeleteObjectCommand, GetObjectCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { stackNames } from "../../lib/stack.ts";
import { openCli, story } from "../strict-aws/cli.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-refusals-"));
const aws = await startStrictAws({ logDirectory: directory, ecr: true });
const cli = await openCli({ aws, directory, stack: "refusals" });
const { s3, ec2, ssm } = createClients({
  region: cli.region,
  endpoints: aws.bare,
  credentials: aws.credentials,
});
const { bucket: Bucket } = stackNames({ stack: cli.stack, region: cli.region }, localAccount);
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const ship = async (settings: object) => {
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, ...settings } });
  const up = await cli.run("up", "--yes");
  assert.equal(up.exitCode, 0, story(up));
};

/** Asks for a rollback that must be refused, and write nothing. Returns the error's message. */
async function refuse(number: string, exitCode: number, code: string): Promise<string> {
  const ended = await cli.run("rollback", number, "--yes");
  const error = ended.events.find(({ event }) => event === "error");
  assert.deepEqual([ended.exitCode, error?.["code"]], [exitCode, code], story(ended));
  assert.equal(ended.summary?.calls.write, 0);
  return String(error?.["message"]);
}

/** Removes each version of release.json that holds this release. */
async function forget(number: number): Promise<void> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: "release.json" }));
  for (const { VersionId } of Versions) {
    const which = { Bucket, Key: "release.json", VersionId };
    const { Body } = await s3.send(new GetObjectCommand(which));
    const held: { number: number } = JSON.parse((await Body?.transformToString()) ?? "");
    if (held.number === number) await s3.send(new DeleteObjectCommand(which));
  }
}

/** As somebody does by hand. */
async function removeData(): Promise<void> {
  const Filters = [{ Name: "tag:berth:stack", Values: [cli.stack] }];
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters }));
  for (const { VolumeId, Attachments = [] } of Volumes) {
    for (const { InstanceId } of Attachments)
      await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId }));
    await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  }
}

it("a rollback to what can't be had any more is refused before anything is written, and says what is missing", async () => {
  const volumes = { uploads: "/app/uploads" };
  await ship({ volumes });
  await ship({ volumes, replicas: 1 });
  await ship({ volumes, replicas: 3 });

  await forget(1);
  assert.match(
    await refuse("1", 1, "ReleaseForgotten"),
    new RegExp(
      `^the values of release 1 aren't kept any more: no version of release.json in ${Bucket} has them$`,
    ),
  );
  await removeData();
  assert.match(
    await refuse("2", 1, "VolumeGone"),
    /^release 2 has volumes, and the stack has no data volume any more$/,
  );
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const InstanceIds = Reservations.flatMap(({ Instances = [] }) =>
    Instances.flatMap(({ InstanceId }) => InstanceId ?? []),
  );
  await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  assert.match(await refuse("1", 3, "NoHost"), /^refusals has no host that could serve an earlier release$/);
});

it("a rollback to a release with a secret that the host may not read any more is refused, and names the secret", async () => {
  for (const Name of ["/shop/database-url", "/shop/key"])
    await ssm.send(new PutParameterCommand({ Name, Value: "geheim", Type: "SecureString" }));
  const key = { API_KEY: "ssm:/shop/key" };
  const both = { DATABASE_URL: "ssm:/shop/database-url", ...key };
  await ship({ secrets: both });
  await ship({ secrets: { SAME_KEY: "ssm:/shop/key" } });

  assert.equal(
    await refuse("4", 3, "SecretUndeclared"),
    "release 4 has secrets that berth.yaml doesn't name (DATABASE_URL: ssm:/shop/database-url), and the host may read only what app.secrets names",
  );

  await ship({ secrets: both, replicas: 1 });
  // The host's role changes only with the next up.
  await cli.configure({ app: { source: join(directory, "app"), port: 8080, secrets: key } });
  const ended = await cli.run("rollback", "4", "--yes");
  assert.equal(ended.exitCode, 0, story(ended));
});
