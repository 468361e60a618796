import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { CreateVpcCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { CreateRoleCommand, GetRoleCommand } from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type BucketLocationConstraint,
} from "@aws-sdk/client-s3";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { openTwoRoutes, outcome, region } from "./account.ts";

const LocationConstraint: BucketLocationConstraint = region;
const CreateBucketConfiguration = { LocationConstraint };

const { aws, strict, bare } = await openTwoRoutes({}, true);

describe("the proxy", () => {
  beforeEach(() => aws.reset());

  it("passes calls of every service on and knows each by its operation", async () => {
    await strict.ec2.send(new CreateVpcCommand({ CidrBlock: "10.1.0.0/16" }));
    await strict.iam.send(new CreateRoleCommand({ RoleName: "one", AssumeRolePolicyDocument: "{}" }));
    await strict.ssm.send(new GetParameterCommand({ Name: "/aws/service/debian/release/13/latest/amd64" }));
    const { Account } = await strict.sts.send(new GetCallerIdentityCommand({}));
    await strict.ecr.send(new CreateRepositoryCommand({ repositoryName: "berth/one" }));

    assert.equal(Account, localAccount);
    const { Vpcs = [] } = await bare.ec2.send(new DescribeVpcsCommand({}));
    assert.ok(Vpcs.some(({ CidrBlock }) => CidrBlock === "10.1.0.0/16"));
    const { Role } = await bare.iam.send(new GetRoleCommand({ RoleName: "one" }));
    assert.equal(Role?.RoleName, "one");
    const { repositories } = await bare.ecr.send(new DescribeRepositoriesCommand({}));
    assert.equal(repositories?.length, 1);
    assert.deepEqual(
      aws.calls.map(({ service, operation, kind }) => `${service}:${operation} ${kind}`),
      [
        "ec2:CreateVpc write",
        "iam:CreateRole write",
        "ssm:GetParameter read",
        "sts:GetCallerIdentity read",
        "ecr:CreateRepository write",
      ],
    );
    assert.ok(aws.calls.every((call) => call.outcome === "ok" && call.status === 200));
    assert.ok(aws.calls.every((call) => (call.durationMs ?? 0) > 0 && call.region === region));
  });

  it("passes objects of S3 through byte by byte, both ways", async () => {
    const Bucket = "berth-bytes";
    const Key = "some folder/ä+b.bin";
    const body = randomBytes(3_000_000);
    await strict.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    await strict.s3.send(new PutObjectCommand({ Bucket, Key, Body: body }));

    const byBoth = await Promise.all(
      [strict, bare].map(async ({ s3 }) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        return sha256((await Body?.transformToByteArray()) ?? new Uint8Array());
      }),
    );
    assert.deepEqual(byBoth, [sha256(body), sha256(body)]);
    const { ContentLength } = await strict.s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(ContentLength, body.length);
    assert.equal(aws.calls.at(-1)?.operation, "HeadObject");
  });

  it("names S3's operations as the SDK does", async () => {
    const Bucket = "berth-names";
    await strict.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    const VersioningConfiguration = { Status: "Enabled" as const };
    await strict.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await strict.s3.send(new GetBucketVersioningCommand({ Bucket }));
    await strict.s3.send(new DeleteObjectCommand({ Bucket, Key: "none" }));
    await strict.s3.send(new ListObjectVersionsCommand({ Bucket }));
    const stale = new PutObjectCommand({ Bucket, Key: "k", Body: "b", IfMatch: '"0"' });
    assert.equal(await outcome(strict.s3.send(stale)), "NoSuchKey");
    assert.deepEqual(
      aws.calls.map(({ operation, outcome: how }) => `${operation} ${how}`),
      [
        "CreateBucket ok",
        "PutBucketVersioning ok",
        "GetBucketVersioning ok",
        "DeleteObject ok",
        "ListObjectVersions ok",
        "PutObject NoSuchKey",
      ],
    );
  });

  it("has errors of the emulators arrive under their own names", async () => {
    const unknown = new DescribeVpcsCommand({ VpcIds: ["vpc-00000000"] });
    assert.equal(await outcome(strict.ec2.send(unknown)), "InvalidVpcID.NotFound");
    assert.equal(
      await outcome(strict.iam.send(new GetRoleCommand({ RoleName: "none" }))),
      "NoSuchEntityException",
    );
    const repository = new DescribeRepositoriesCommand({ repositoryNames: ["none"] });
    assert.equal(await outcome(strict.ecr.send(repository)), "RepositoryNotFoundException");
    assert.equal(
      await outcome(strict.ssm.send(new GetParameterCommand({ Name: "none" }))),
      "ParameterNotFound",
    );
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
