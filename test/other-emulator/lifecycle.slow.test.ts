import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { DeleteLifecyclePolicyCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import {
  GetBucketVersioningCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { createClients } from "../../lib/aws/clients.ts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { stackNames } from "../../lib/stack.ts";
import { openCli, story } from "../strict-aws/cli.ts";
import { startMinistack } from "./ministack.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-ministack-"));
const aws = await startMinistack(directory, ["s3", "ecr", "sts"]);
const cli = await openCli({ aws, directory, stack: "test-ministack" });
const { region } = cli;
const { bucket, repository } = stackNames({ stack: cli.stack, region }, localAccount);
const { s3, ecr } = createClients({ region, endpoints: aws.bare, credentials: aws.credentials });
after(async () => {
  await cli[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

describe("a stack whose S3, registry and STS are of another maker", () => {
  it("is planned", async () => {
    const ended = await cli.run("plan");
    assert.equal(ended.exitCode, 2, story(ended));
  });

  it("comes up", async () => {
    const ended = await cli.run("up", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.equal((await fetch(ended.summary?.url ?? "")).status, 200);
  });

  it("is repaired where somebody changed it", async () => {
    const VersioningConfiguration = { Status: "Suspended" as const };
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    await ecr.send(new DeleteLifecyclePolicyCommand({ repositoryName: repository }));

    const ended = await cli.run("up", "--yes");

    assert.equal(ended.exitCode, 0, story(ended));
    assert.equal(ended.summary?.changes.updated, 2, story(ended));
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
    assert.equal(Status, "Enabled");
  });

  it("is left alone by a second up", async () => {
    const before = aws.calls.length;
    const ended = await cli.run("up", "--yes");
    assert.equal(ended.summary?.outcome, "unchanged", story(ended));
    const writes = aws.calls.slice(before).filter(({ kind }) => kind === "write");
    assert.deepEqual(writes, []);
  });

  it("goes, and nothing is left", async () => {
    const ended = await cli.run("down", "--yes");
    assert.equal(ended.exitCode, 0, story(ended));
    assert.deepEqual(ended.summary?.left, []);
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    const { repositories } = await ecr.send(new DescribeRepositoriesCommand({}));
    assert.deepEqual([Buckets, repositories], [[], []]);
  });

  it("needed no call that this maker doesn't know", () => {
    assert.deepEqual([...aws.unknown], []);
  });
});
