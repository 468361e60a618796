import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
} from "@aws-sdk/client-ecr";
import {
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  RemoveRoleFromInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import { CreateBucketCommand, DeleteBucketCommand, GetBucketTaggingCommand } from "@aws-sdk/client-s3";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { bucket } from "../../lib/resources/storage/bucket.ts";
import { toWriteContext } from "../../lib/contract/resource.ts";
import { wearOtherGroup, type Stranger } from "./rows.ts";
import { linesOf, openDriftingStack } from "./stack.ts";

const { aws, stack, stranger, refresh, writesSince } = await openDriftingStack("test-strangers");

interface Taking {
  readonly resource: string;
  /** Takes Berth's away and puts its own there, under the same name. */
  readonly take: (by: Stranger, name: string) => Promise<unknown>;
  /** Whatever Berth could have changed of the stranger's. */
  readonly look: (by: Stranger, name: string) => Promise<unknown>;
  readonly giveBack: (by: Stranger, name: string) => Promise<unknown>;
}

const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [] });

async function emptyProfile({ iam, id }: Stranger): Promise<void> {
  const held = { InstanceProfileName: id("instance-profile"), RoleName: id("role") };
  await iam.send(new RemoveRoleFromInstanceProfileCommand(held));
}

/** Each resource that is found by a name that anybody can give. */
const takings: Taking[] = [
  {
    resource: "repository",
    take: async ({ ecr }, repositoryName) => {
      await ecr.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
      return ecr.send(new CreateRepositoryCommand({ repositoryName }));
    },
    look: async ({ ecr }, name) =>
      (await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }))).repositories,
    giveBack: ({ ecr }, repositoryName) => ecr.send(new DeleteRepositoryCommand({ repositoryName })),
  },
  {
    resource: "role",
    take: async (by, RoleName) => {
      await emptyProfile(by);
      await by.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "berth" }));
      await by.iam.send(new DeleteRoleCommand({ RoleName }));
      return by.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    },
    look: async ({ iam }, RoleName) => (await iam.send(new GetRoleCommand({ RoleName }))).Role,
    giveBack: ({ iam }, RoleName) => iam.send(new DeleteRoleCommand({ RoleName })),
  },
  {
    resource: "instance-profile",
    take: async (by, InstanceProfileName) => {
      await emptyProfile(by);
      await by.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
      return by.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
    },
    look: async ({ iam }, InstanceProfileName) =>
      (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile,
    giveBack: ({ iam }, InstanceProfileName) =>
      iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName })),
  },
  {
    resource: "bucket",
    take: async (by, Bucket) => {
      const { region } = stack.cli;
      const signal = new AbortController().signal;
      // As Berth does it: a host may write its report between the emptying and the end.
      const ctx = { clients: by, account: localAccount, region, signal, note: () => {} };
      await bucket.remove(toWriteContext(ctx, by), Bucket);
      const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
      return by.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    },
    look: async ({ s3 }, Bucket) => {
      const tags = await s3.send(new GetBucketTaggingCommand({ Bucket })).catch((error: Error) => error);
      return tags instanceof Error ? tags.name : tags.TagSet;
    },
    giveBack: async ({ s3 }, Bucket) => s3.send(new DeleteBucketCommand({ Bucket })),
  },
];

describe("a stranger's in the place of Berth's, under the same name", () => {
  for (const { resource, take, look, giveBack } of takings) {
    it(`${resource}: is refused by plan and up, and nothing at all is written`, async () => {
      const name = stranger.id(resource);
      await take(stranger, name);
      const before = [await look(stranger, name), aws.calls.length] as const;

      const refusal = { code: "ForeignResource", resource };
      await assert.rejects(stack.plan(), refusal);
      await assert.rejects(stack.up(), refusal);

      assert.deepEqual(writesSince(before[1]), []);
      assert.deepEqual(await look(stranger, name), before[0]);
      await giveBack(stranger, name);
      await stack.up();
      await refresh();
      assert.deepEqual(linesOf((await stack.plan()).plan), []);
    });
  }

  it("security-group: is left alone, and Berth's is made beside it under another name", async () => {
    const GroupId = stranger.id("security-group");
    const VpcId = stranger.id("vpc");
    const { SecurityGroups } = await stranger.ec2.send(
      new DescribeSecurityGroupsCommand({ GroupIds: [GroupId] }),
    );
    const GroupName = SecurityGroups?.[0]?.GroupName;
    await wearOtherGroup(stranger);
    await stranger.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    const theirs = await stranger.ec2.send(
      new CreateSecurityGroupCommand({ VpcId, GroupName, Description: "Theirs" }),
    );

    await stack.up();

    const Filters = [{ Name: "vpc-id", Values: [VpcId] }];
    const { SecurityGroups: all = [] } = await stranger.ec2.send(
      new DescribeSecurityGroupsCommand({ Filters }),
    );
    const found = all.filter((one) => one.GroupName !== "default");
    assert.deepEqual(
      new Map(found.map((one) => [one.GroupName, [one.IpPermissions?.length, one.Tags?.length ?? 0]])),
      new Map([
        [GroupName, [0, 0]],
        [`${GroupName}-2`, [2, 5]],
      ]),
    );
    assert.ok(found.some((one) => one.GroupId === theirs.GroupId));
    assert.deepEqual(linesOf((await stack.plan()).plan), []);
  });
});
