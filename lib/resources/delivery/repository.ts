import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  ListTagsForResourceCommand,
  paginateDescribeRepositories,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  TagResourceCommand,
  type Repository,
} from "@aws-sdk/client-ecr";
import { isDeepStrictEqual } from "node:util";
import { unlessAbsent } from "../../aws/errors.ts";
import { repositoryName } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { onceVisible } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { Change, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface RepositoryDesired {
  /** Must be the name that `repositoryName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
}

export interface ObservedRepository extends Observed {
  readonly arn: string;
  /** `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello` */
  readonly uri: string;
  readonly tagMutability: string;
  readonly scanOnPush: boolean;
  /** The lifecycle policy's JSON, as AWS stores it; absent if there is none. */
  readonly lifecycle?: string;
}

const kind = "repository";

// Expires only untagged images. A tagged image may still be needed for a rollback.
const lifecycle = {
  rules: [
    {
      rulePriority: 1,
      description: "berth: untagged images",
      selection: { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: 14 },
      action: { type: "expire" },
    },
  ],
};

export const repository: Resource<RepositoryDesired, ObservedRepository> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getRepository(ctx, repositoryName(identity));
    return found && refuseStranger(identity, found, { kind, known, marked: isOurs(found.lifecycle) });
  },

  async create(ctx, identity, { name }) {
    await ctx.clients.ecr.send(
      new CreateRepositoryCommand({
        repositoryName: name,
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: { encryptionType: "AES256" },
        tags: toTagList(identity.tags),
      }),
    );
    return name;
  },

  attributes: ({ name }) => [{ field: "", value: name }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename a repository",
    }),
    ...fieldDifference("tag-mutability", { desired: "IMMUTABLE", observed: observed.tagMutability }),
    ...fieldDifference("scan-on-push", { desired: true, observed: observed.scanOnPush }),
    ...(isOurs(observed.lifecycle)
      ? []
      : fieldDifference("lifecycle", { desired: JSON.stringify(lifecycle), observed: observed.lifecycle })),
    ...identityDifferences(identity, observed),
  ],

  update: (ctx, change) => updateRepository(ctx, change),

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `repository ${id}`,
      // `force` deletes the images too.
      attempt: () => ctx.clients.ecr.send(new DeleteRepositoryCommand({ repositoryName: id, force: true })),
      listed: async () => (await describe(ctx, id)) !== undefined,
    });
  },

  async list(ctx, stack) {
    const repositories: Repository[] = [];
    for await (const page of paginateDescribeRepositories({ client: ctx.clients.ecr }, {})) {
      repositories.push(
        ...(page.repositories ?? []).filter((one) => one.repositoryName?.startsWith("berth/")),
      );
    }
    // ECR's list of repositories doesn't include their tags.
    const tagged = await Promise.all(
      repositories.map(async (one) => ({
        id: one.repositoryName ?? "",
        tags: await readTags(ctx, one.repositoryArn),
      })),
    );
    return toListed(kind, stack, tagged);
  },
};

async function updateRepository(
  ctx: WriteContext,
  change: Change<RepositoryDesired, ObservedRepository>,
): Promise<void> {
  const { identity, observed, differences } = change;
  const { ecr } = ctx.clients;
  const on = { repositoryName: observed.id };
  if (concerns(differences, "tag-mutability")) {
    await ecr.send(new PutImageTagMutabilityCommand({ ...on, imageTagMutability: "IMMUTABLE" }));
  }
  if (concerns(differences, "scan-on-push")) {
    const command = new PutImageScanningConfigurationCommand({
      ...on,
      imageScanningConfiguration: { scanOnPush: true },
    });
    await ecr.send(command);
  }
  if (concerns(differences, "lifecycle")) {
    const command = new PutLifecyclePolicyCommand({ ...on, lifecyclePolicyText: JSON.stringify(lifecycle) });
    await onceVisible(ctx, `lifecycle of repository ${observed.id}`, () => ecr.send(command));
  }
  if (concerns(differences, "tags")) {
    await ecr.send(new TagResourceCommand({ resourceArn: observed.arn, tags: toTagList(identity.tags) }));
  }
}

/** Compares parsed JSON, because AWS changes the white space. */
function isOurs(text: string | undefined): boolean {
  return text !== undefined && isDeepStrictEqual(JSON.parse(text), lifecycle);
}

async function getRepository(ctx: ReadContext, name: string): Promise<ObservedRepository | undefined> {
  const policy = new GetLifecyclePolicyCommand({ repositoryName: name });
  const [raw, rules] = await Promise.all([describe(ctx, name), unlessAbsent(ctx.clients.ecr.send(policy))]);
  if (raw === undefined) return undefined;
  return {
    id: name,
    tags: await readTags(ctx, raw.repositoryArn),
    arn: raw.repositoryArn ?? "",
    uri: raw.repositoryUri ?? "",
    tagMutability: raw.imageTagMutability ?? "",
    scanOnPush: raw.imageScanningConfiguration?.scanOnPush ?? false,
    ...(rules?.lifecyclePolicyText === undefined ? {} : { lifecycle: rules.lifecyclePolicyText }),
  };
}

async function describe(ctx: ReadContext, name: string): Promise<Repository | undefined> {
  const answer = await unlessAbsent(
    ctx.clients.ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [name] })),
  );
  return answer?.repositories?.find((one) => one.repositoryName === name);
}

async function readTags(ctx: ReadContext, resourceArn: string | undefined) {
  const answer = await unlessAbsent(ctx.clients.ecr.send(new ListTagsForResourceCommand({ resourceArn })));
  return fromTagList(answer?.tags);
}
