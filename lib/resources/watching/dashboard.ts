import {
  DeleteDashboardsCommand,
  GetDashboardCommand,
  ListTagsForResourceCommand,
  PutDashboardCommand,
  TagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { unlessAbsent } from "../../aws/errors.ts";
import { dashboardName, metricsNamespace } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import type { Observed, ReadContext, Resource } from "../../contract/resource.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";

export interface DashboardDesired {
  /** Must be the name that `dashboardName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  readonly body: object;
}

export interface ObservedDashboard extends Observed {
  readonly arn: string;
  readonly body: string;
}

const kind = "dashboard";

/** The stack's metrics at a glance, in CloudWatch's console. */
export const dashboard: Resource<DashboardDesired, ObservedDashboard> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getDashboard(ctx, dashboardName(ctx, identity));
    const marked = found?.body.includes(metricsNamespace(identity)) === true;
    return found && refuseStranger(identity, found, { kind, known, marked });
  },

  async create(ctx, { tags }, { name, body }) {
    const input = { DashboardName: name, DashboardBody: JSON.stringify(body), Tags: toTagList(tags) };
    await ctx.clients.cloudWatch.send(new PutDashboardCommand(input));
    return name;
  },

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename a dashboard",
    }),
    ...fieldDifference("body", bodies(desired, observed)),
    ...identityDifferences(identity, observed),
  ],

  async update({ clients }, { identity, desired, observed, differences }) {
    // AWS ignores tags where it changes a dashboard.
    if (concerns(differences, "body")) {
      const input = { DashboardName: observed.id, DashboardBody: JSON.stringify(desired.body) };
      await clients.cloudWatch.send(new PutDashboardCommand(input));
    }
    if (!concerns(differences, "tags")) return;
    const tags = { ResourceARN: observed.arn, Tags: toTagList(identity.tags) };
    await clients.cloudWatch.send(new TagResourceCommand(tags));
  },

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `dashboard ${id}`,
      attempt: () => ctx.clients.cloudWatch.send(new DeleteDashboardsCommand({ DashboardNames: [id] })),
      listed: async () => (await getDashboard(ctx, id)) !== undefined,
    }),

  async list(ctx, stack) {
    const found = await getDashboard(ctx, dashboardName(ctx, { stack, name: kind }));
    return found === undefined ? [] : toListed(kind, stack, [found]);
  },
};

/** Both contents, as hashes: the same one if they mean the same. */
function bodies({ body }: DashboardDesired, observed: ObservedDashboard) {
  const wanted = JSON.stringify(body);
  const isSame = isDeepStrictEqual(parse(observed.body), JSON.parse(wanted));
  return { desired: hashOf(wanted), observed: hashOf(isSame ? wanted : observed.body) };
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function getDashboard({ clients }: ReadContext, name: string): Promise<ObservedDashboard | undefined> {
  const { cloudWatch } = clients;
  const found = await unlessAbsent(cloudWatch.send(new GetDashboardCommand({ DashboardName: name })));
  if (found === undefined) return undefined;
  const arn = found.DashboardArn ?? "";
  const asked = new ListTagsForResourceCommand({ ResourceARN: arn });
  const answer = await unlessAbsent(cloudWatch.send(asked));
  return { id: name, arn, body: found.DashboardBody ?? "", tags: fromTagList(answer?.Tags) };
}
