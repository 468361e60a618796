import { CreateTagsCommand, DeleteTagsCommand, DescribeTagsCommand } from "@aws-sdk/client-ec2";
import {
  DescribeRepositoriesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecr";
import {
  GetInstanceProfileCommand,
  ListRoleTagsCommand,
  TagInstanceProfileCommand,
  TagRoleCommand,
  UntagInstanceProfileCommand,
  UntagRoleCommand,
} from "@aws-sdk/client-iam";
import { GetBucketTaggingCommand, PutBucketTaggingCommand } from "@aws-sdk/client-s3";
import { fromTagList, toTagList } from "../../lib/aws/tags.ts";
import type { Tags } from "../../lib/owner.ts";
import type { Stranger } from "./rows.ts";

/** How to read and change tags of a resource. Each service has its own calls for that. */
export interface Tagger {
  readonly read: (aws: Stranger, id: string) => Promise<Tags>;
  readonly add: (aws: Stranger, id: string, tags: Tags) => Promise<unknown>;
  readonly take: (aws: Stranger, id: string, key: string) => Promise<unknown>;
}

const byEc2: Tagger = {
  read: async ({ ec2 }, id) => {
    const Filters = [{ Name: "resource-id", Values: [id] }];
    return fromTagList((await ec2.send(new DescribeTagsCommand({ Filters }))).Tags);
  },
  add: ({ ec2 }, id, tags) => ec2.send(new CreateTagsCommand({ Resources: [id], Tags: toTagList(tags) })),
  take: ({ ec2 }, id, Key) => ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key }] })),
};

const byS3: Tagger = {
  read: async ({ s3 }, Bucket) =>
    fromTagList((await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet),
  add: async (aws, Bucket, tags) => {
    const TagSet = toTagList({ ...(await byS3.read(aws, Bucket)), ...tags });
    return aws.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  },
  take: async (aws, Bucket, key) => {
    const { [key]: _, ...left } = await byS3.read(aws, Bucket);
    return aws.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: toTagList(left) } }));
  },
};

async function arnOf({ ecr }: Stranger, name: string): Promise<string | undefined> {
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [name] }));
  return repositories?.[0]?.repositoryArn;
}

const byEcr: Tagger = {
  read: async (aws, id) => {
    const resourceArn = await arnOf(aws, id);
    return fromTagList((await aws.ecr.send(new ListTagsForResourceCommand({ resourceArn }))).tags);
  },
  add: async (aws, id, tags) =>
    aws.ecr.send(new TagResourceCommand({ resourceArn: await arnOf(aws, id), tags: toTagList(tags) })),
  take: async (aws, id, key) =>
    aws.ecr.send(new UntagResourceCommand({ resourceArn: await arnOf(aws, id), tagKeys: [key] })),
};

const byRole: Tagger = {
  read: async ({ iam }, RoleName) =>
    fromTagList((await iam.send(new ListRoleTagsCommand({ RoleName }))).Tags),
  add: ({ iam }, RoleName, tags) => iam.send(new TagRoleCommand({ RoleName, Tags: toTagList(tags) })),
  take: ({ iam }, RoleName, key) => iam.send(new UntagRoleCommand({ RoleName, TagKeys: [key] })),
};

const byProfile: Tagger = {
  read: async ({ iam }, InstanceProfileName) =>
    fromTagList(
      (await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }))).InstanceProfile?.Tags,
    ),
  add: ({ iam }, InstanceProfileName, tags) =>
    iam.send(new TagInstanceProfileCommand({ InstanceProfileName, Tags: toTagList(tags) })),
  take: ({ iam }, InstanceProfileName, key) =>
    iam.send(new UntagInstanceProfileCommand({ InstanceProfileName, TagKeys: [key] })),
};

/** One tagger for every resource of the stack that has tags. */
export const taggers: Readonly<Record<string, Tagger>> = {
  bucket: byS3,
  repository: byEcr,
  vpc: byEc2,
  "internet-gateway": byEc2,
  subnet: byEc2,
  "route-table": byEc2,
  "s3-endpoint": byEc2,
  "security-group": byEc2,
  role: byRole,
  "instance-profile": byProfile,
  instance: byEc2,
  address: byEc2,
};
