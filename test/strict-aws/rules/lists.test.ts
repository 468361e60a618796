import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AllocateAddressCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  paginateDescribeVpcs,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  GetRoleCommand,
  ListRolesCommand,
  paginateListRoles,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Clients } from "../../../lib/aws/clients.ts";
import { openTwoRoutes, outcome, region } from "../account.ts";
import { anyPolicy, launchOrder } from "../network.ts";

const { aws, strict, bare } = await openTwoRoutes({
  lateVisibility: { reads: 2, uses: 1 },
  pagination: { size: 1 },
});

const Tags = [{ Key: "Team", Value: "harbour" }];
const tagged = { Filters: [{ Name: "tag:Team", Values: ["harbour"] }] };

/** Repeats a call and returns the outcomes. */
async function repeat(times: number, call: () => Promise<unknown>): Promise<string[]> {
  const outcomes: string[] = [];
  for (let n = 0; n < times; n += 1) outcomes.push(await outcome(call()));
  return outcomes;
}

async function vpcIds({ ec2 }: Clients): Promise<(string | undefined)[]> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand(tagged));
  return Vpcs.map(({ VpcId }) => VpcId);
}

async function makeVpc({ ec2 }: Clients, CidrBlock = "10.3.0.0/16"): Promise<string> {
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock, TagSpecifications: [{ ResourceType: "vpc", Tags }] }),
  );
  return Vpc?.VpcId ?? "";
}

describe("a new thing", () => {
  it("isn't found by its tags at first", async () => {
    const id = await makeVpc(strict);
    assert.deepEqual(await vpcIds(bare), [id]);
    assert.deepEqual([await vpcIds(strict), await vpcIds(strict), await vpcIds(strict)], [[], [], [id]]);
  });

  it("isn't known by its id at first", async () => {
    const VpcId = await makeVpc(strict);
    const describeIt = ({ ec2 }: Clients) => ec2.send(new DescribeVpcsCommand({ VpcIds: [VpcId] }));
    assert.equal(await outcome(describeIt(bare)), "ok");
    const missing = "InvalidVpcID.NotFound";
    assert.deepEqual(await repeat(3, () => describeIt(strict)), [missing, missing, "ok"]);
  });

  it("can't be used at first", async () => {
    const VpcId = await makeVpc(strict);
    const group = (GroupName: string) =>
      new CreateSecurityGroupCommand({ VpcId, GroupName, Description: "any" });
    assert.equal(await outcome(bare.ec2.send(group("one"))), "ok");
    assert.equal(await outcome(strict.ec2.send(group("two"))), "InvalidVpcID.NotFound");
    assert.equal(await outcome(strict.ec2.send(group("two"))), "ok");
  });

  it("can be used once it was shown", async () => {
    const VpcId = await makeVpc(strict);
    for (let n = 0; n < 3; n += 1) await strict.ec2.send(new DescribeVpcsCommand(tagged));
    const group = new CreateSecurityGroupCommand({ VpcId, GroupName: "three", Description: "any" });
    assert.equal(await outcome(strict.ec2.send(group)), "ok");
  });

  it("of every kind that EC2 shows late", async () => {
    const { AllocationId = "" } = await strict.ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    const addresses = () => strict.ec2.send(new DescribeAddressesCommand({ AllocationIds: [AllocationId] }));
    const missing = "InvalidAllocationID.NotFound";
    assert.deepEqual(await repeat(3, addresses), [missing, missing, "ok"]);

    const { Instances } = await strict.ec2.send(new RunInstancesCommand(await launchOrder(strict)));
    const InstanceIds = [Instances?.[0]?.InstanceId ?? ""];
    const instances = ({ ec2 }: Clients) => ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    assert.equal(await outcome(instances(bare)), "ok");
    const absent = "InvalidInstanceID.NotFound";
    assert.deepEqual(await repeat(3, () => instances(strict)), [absent, absent, "ok"]);

    const VpcId = await makeVpc(bare);
    const { Subnet } = await strict.ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.3.1.0/24" }));
    const subnets = () =>
      strict.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [Subnet?.SubnetId ?? ""] }));
    assert.equal(await outcome(subnets()), "InvalidSubnetID.NotFound");
  });

  it("of IAM too", async () => {
    const RoleName = "late";
    await strict.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: "{}" }));
    const listed = async ({ iam }: Clients) => {
      const { Roles = [] } = await iam.send(new ListRolesCommand({}));
      return Roles.some((role) => role.RoleName === RoleName);
    };
    assert.equal(await listed(bare), true);
    assert.equal(await listed(strict), false);
    const put = () =>
      strict.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "p", PolicyDocument: anyPolicy }));
    assert.deepEqual(await repeat(2, put), ["NoSuchEntityException", "ok"]);
    const read = () => strict.iam.send(new GetRoleCommand({ RoleName }));
    assert.deepEqual(await repeat(2, read), ["NoSuchEntityException", "ok"]);
    await strict.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "late" }));
  });
});

describe("pages", () => {
  it("of EC2 are small, and whole together", async () => {
    for (let n = 0; n < 3; n += 1) await makeVpc(bare, "10.9.0.0/16");
    const query = { Filters: [{ Name: "cidr", Values: ["10.9.0.0/16"] }] };
    const { Vpcs, NextToken } = await strict.ec2.send(new DescribeVpcsCommand(query));
    assert.equal(Vpcs?.length, 1);
    assert.ok(NextToken);
    const pages: (string | undefined)[] = [];
    for await (const page of paginateDescribeVpcs({ client: strict.ec2 }, query)) {
      pages.push(...(page.Vpcs ?? []).map(({ VpcId }) => VpcId));
    }
    const all = await bare.ec2.send(new DescribeVpcsCommand(query));
    assert.deepEqual([all.Vpcs?.length, all.NextToken], [3, undefined]);
    assert.deepEqual(new Set(pages), new Set(all.Vpcs?.map(({ VpcId }) => VpcId)));
    const unknown = new DescribeVpcsCommand({ NextToken: "none" });
    assert.equal(await outcome(strict.ec2.send(unknown)), "InvalidNextToken");
  });

  it("of IAM are small, and whole together", async () => {
    for (const RoleName of ["page-1", "page-2"]) {
      await bare.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: "{}" }));
    }
    const { Roles, IsTruncated } = await strict.iam.send(new ListRolesCommand({}));
    assert.deepEqual([Roles?.length, IsTruncated], [1, true]);
    const names: (string | undefined)[] = [];
    for await (const page of paginateListRoles({ client: strict.iam }, {})) {
      names.push(...(page.Roles ?? []).map(({ RoleName }) => RoleName));
    }
    const all = await bare.iam.send(new ListRolesCommand({}));
    assert.deepEqual(new Set(names), new Set(all.Roles?.map(({ RoleName }) => RoleName)));
  });

  it("of S3 are small, and whole together", async () => {
    const { s3 } = strict;
    const CreateBucketConfiguration = { LocationConstraint: region } as const;
    for (const Bucket of ["berth-page-1", "berth-page-2"]) {
      await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    }
    const Bucket = "berth-page-1";
    for (const Key of ["a", "b", "c"]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const first = await s3.send(new ListObjectsV2Command({ Bucket }));
    assert.deepEqual([first.Contents?.length, first.IsTruncated], [1, true]);
    assert.equal((await bare.s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.length, 3);
    const keys: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket })) {
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
    }
    assert.deepEqual(keys, ["a", "b", "c"]);
    const versions = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    assert.deepEqual([versions.Versions?.length, versions.IsTruncated], [1, true]);
    const buckets: (string | undefined)[] = [];
    for await (const page of paginateListBuckets({ client: s3, pageSize: 1000 }, { Prefix: "berth-page" })) {
      buckets.push(...(page.Buckets ?? []).map(({ Name }) => Name));
    }
    assert.deepEqual(buckets, ["berth-page-1", "berth-page-2"]);
    assert.ok(aws.calls.filter(({ operation }) => operation === "ListBuckets").length > 1);
  });
});
