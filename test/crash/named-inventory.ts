import {
  DescribeAlarmsCommand,
  GetDashboardCommand,
  ListDashboardsCommand,
  ListTagsForResourceCommand as ListWatchingTagsCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  DescribeLogGroupsCommand,
  ListTagsForResourceCommand as ListLogTagsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ListTagsForResourceCommand,
} from "@aws-sdk/client-ecr";
import {
  GetInstanceProfileCommand,
  ListInstanceProfilesCommand,
  ListPoliciesCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
} from "@aws-sdk/client-iam";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
} from "@aws-sdk/client-s3";
import {
  ListSubscriptionsByTopicCommand,
  ListTagsForResourceCommand as ListTopicTagsCommand,
  ListTopicsCommand,
} from "@aws-sdk/client-sns";
import type { Clients } from "../../lib/aws/clients.ts";
import { unlessNotConfigured } from "../../lib/aws/errors.ts";
import type { Holding } from "./holding.ts";

/** Lists the resources that have names: roles, profiles, policies, buckets, repositories and the images in them, and what watches. */
export async function listNamed(clients: Clients): Promise<Holding[]> {
  const lists = await Promise.all([
    listRoles(clients),
    listBuckets(clients),
    listRepositories(clients),
    listLogGroups(clients),
    listTopics(clients),
    listWatching(clients),
  ]);
  return lists.flat();
}

async function listRoles({ iam }: Clients): Promise<Holding[]> {
  const [{ Roles = [] }, { InstanceProfiles = [] }, { Policies = [] }] = await Promise.all([
    iam.send(new ListRolesCommand({})),
    iam.send(new ListInstanceProfilesCommand({})),
    iam.send(new ListPoliciesCommand({ Scope: "Local" })),
  ]);
  const roles = Roles.filter(({ Path }) => !Path?.startsWith("/aws-service-role/")).map(
    async ({ RoleName = "" }) => {
      const [{ Tags }, { PolicyNames }] = await Promise.all([
        iam.send(new ListRoleTagsCommand({ RoleName })),
        iam.send(new ListRolePoliciesCommand({ RoleName })),
      ]);
      return { kind: "role", id: RoleName, owner: ownerIn(Tags), setup: PolicyNames };
    },
  );
  const profiles = InstanceProfiles.map(async ({ InstanceProfileName = "", Roles: held }) => {
    const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
    const setup = held?.map(({ RoleName }) => RoleName);
    return {
      kind: "instance-profile",
      id: InstanceProfileName,
      owner: ownerIn(InstanceProfile?.Tags),
      setup,
    };
  });
  const policies = Policies.map(({ Arn = "" }) => ({ kind: "policy", id: Arn, owner: undefined, setup: "" }));
  return [...(await Promise.all([...roles, ...profiles])), ...policies];
}

async function listBuckets({ s3 }: Clients): Promise<Holding[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  return Promise.all(
    Buckets.map(async ({ Name: Bucket = "" }) => {
      const [tagging, ...settings] = await Promise.all([
        unlessNotConfigured(s3.send(new GetBucketTaggingCommand({ Bucket }))),
        unlessNotConfigured(s3.send(new GetBucketVersioningCommand({ Bucket }))),
        unlessNotConfigured(s3.send(new GetBucketEncryptionCommand({ Bucket }))),
        unlessNotConfigured(s3.send(new GetPublicAccessBlockCommand({ Bucket }))),
        unlessNotConfigured(s3.send(new GetBucketPolicyCommand({ Bucket }))),
        unlessNotConfigured(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))),
      ]);
      const setup = settings.map((one) => ({ ...one, $metadata: undefined }));
      return { kind: "bucket", id: Bucket, owner: ownerIn(tagging?.TagSet), setup };
    }),
  );
}

async function listRepositories({ ecr }: Clients): Promise<Holding[]> {
  const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
  const lists = await Promise.all(
    repositories.map(async ({ repositoryName = "", repositoryArn }) => {
      const [{ tags = [] }, { imageDetails = [] }] = await Promise.all([
        ecr.send(new ListTagsForResourceCommand({ resourceArn: repositoryArn })),
        ecr.send(new DescribeImagesCommand({ repositoryName })),
      ]);
      const owner = ownerIn(tags);
      const images = imageDetails.map(({ imageDigest = "" }) => ({
        kind: "image",
        id: imageDigest,
        owner,
        setup: "",
      }));
      return [{ kind: "repository", id: repositoryName, owner, setup: "" }, ...images];
    }),
  );
  return lists.flat();
}

async function listLogGroups({ logs }: Clients): Promise<Holding[]> {
  const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({}));
  return Promise.all(
    logGroups.map(async ({ logGroupName: id = "", arn = "", retentionInDays: setup }) => {
      const resourceArn = arn.replace(/:\*$/, "");
      const { tags } = await logs.send(new ListLogTagsCommand({ resourceArn }));
      return { kind: "log-group", id, owner: tags?.["berth:stack"], setup };
    }),
  );
}

async function listTopics({ sns }: Clients): Promise<Holding[]> {
  const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
  return Promise.all(
    Topics.map(async ({ TopicArn = "" }) => {
      const [{ Tags }, { Subscriptions = [] }] = await Promise.all([
        sns.send(new ListTopicTagsCommand({ ResourceArn: TopicArn })),
        sns.send(new ListSubscriptionsByTopicCommand({ TopicArn })),
      ]);
      const setup = Subscriptions.map(({ Protocol, Endpoint }) => `${Protocol} ${Endpoint}`).toSorted();
      return { kind: "topic", id: TopicArn, owner: ownerIn(Tags), setup };
    }),
  );
}

async function listWatching({ cloudWatch }: Clients): Promise<Holding[]> {
  const [{ MetricAlarms = [] }, { DashboardEntries = [] }] = await Promise.all([
    cloudWatch.send(new DescribeAlarmsCommand({})),
    cloudWatch.send(new ListDashboardsCommand({})),
  ]);
  const ownerOf = async (ResourceARN = "") =>
    ownerIn((await cloudWatch.send(new ListWatchingTagsCommand({ ResourceARN }))).Tags);
  const alarms = MetricAlarms.map(async ({ AlarmName: id = "", AlarmArn, Threshold, AlarmActions }) => ({
    kind: "alarm",
    id,
    owner: await ownerOf(AlarmArn),
    setup: [Threshold, AlarmActions],
  }));
  const dashboards = DashboardEntries.map(async ({ DashboardName: id = "", DashboardArn }) => {
    const { DashboardBody } = await cloudWatch.send(new GetDashboardCommand({ DashboardName: id }));
    return { kind: "dashboard", id, owner: await ownerOf(DashboardArn), setup: DashboardBody };
  });
  return Promise.all([...alarms, ...dashboards]);
}

/** Value of the tag `berth:stack`, in any service's spelling of tags. */
function ownerIn(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): string | undefined {
  return tags?.find(({ Key }) => Key === "berth:stack")?.Value;
}
