import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  ListTagsForResourceCommand,
  type LogGroup,
  paginateDescribeLogGroups,
  PutRetentionPolicyCommand,
  TagResourceCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { unlessAbsent } from "../../aws/errors.ts";
import { logGroupName, logGroupRoot } from "../../aws/names.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import type { Observed, ReadContext, Resource } from "../../contract/resource.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";

export interface LogGroupDesired {
  /** Must be the name that `logGroupName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  /** How long CloudWatch keeps what the hosts write. */
  readonly days: number;
}

export interface ObservedLogGroup extends Observed {
  readonly arn: string;
  /** Absent if CloudWatch keeps everything for ever. */
  readonly days: number | undefined;
}

const kind = "log-group";

/** What the hosts of a stack write: one stream for each container, and one for each host. */
export const logGroup: Resource<LogGroupDesired, ObservedLogGroup> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getGroup(ctx, logGroupName(identity));
    return found && refuseStranger(identity, found, { kind, known, marked: found.days !== undefined });
  },

  async create(ctx, { tags }, { name }) {
    await ctx.clients.logs.send(new CreateLogGroupCommand({ logGroupName: name, tags }));
    return name;
  },

  attributes: ({ days }) => [{ field: "days", value: String(days) }],

  differences: (identity, { name, days }, observed) => [
    ...fieldDifference("name", {
      desired: name,
      observed: observed.id,
      replace: "AWS can't rename a log group",
    }),
    ...fieldDifference("days", { desired: days, observed: observed.days }),
    ...identityDifferences(identity, observed),
  ],

  async update({ clients }, { identity, desired, observed, differences }) {
    if (concerns(differences, "days")) {
      const setting = { logGroupName: observed.id, retentionInDays: desired.days };
      await clients.logs.send(new PutRetentionPolicyCommand(setting));
    }
    if (concerns(differences, "tags")) {
      await clients.logs.send(new TagResourceCommand({ resourceArn: observed.arn, tags: identity.tags }));
    }
  },

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `log group ${id}`,
      attempt: () => ctx.clients.logs.send(new DeleteLogGroupCommand({ logGroupName: id })),
      listed: async () => (await describe(ctx, id)).some(({ logGroupName: name }) => name === id),
    }),

  async list(ctx, stack) {
    const groups = await describe(ctx, logGroupRoot);
    return toListed(kind, stack, await Promise.all(groups.map((one) => parse(ctx, one))));
  },
};

async function getGroup(ctx: ReadContext, name: string): Promise<ObservedLogGroup | undefined> {
  const found = (await describe(ctx, name)).find((one) => one.logGroupName === name);
  return found && parse(ctx, found);
}

async function describe({ clients }: ReadContext, logGroupNamePrefix: string): Promise<LogGroup[]> {
  const pages = paginateDescribeLogGroups({ client: clients.logs }, { logGroupNamePrefix });
  return collect(pages, ({ logGroups = [] }) => logGroups);
}

/** CloudWatch's list of groups doesn't include their tags. */
async function parse({ clients }: ReadContext, raw: LogGroup): Promise<ObservedLogGroup> {
  // One of the two ARNs of a group ends with what stands for its streams.
  const arn = (raw.arn ?? "").replace(/:\*$/, "");
  const answer = await unlessAbsent(clients.logs.send(new ListTagsForResourceCommand({ resourceArn: arn })));
  return { id: raw.logGroupName ?? "", arn, days: raw.retentionInDays, tags: answer?.tags ?? {} };
}
