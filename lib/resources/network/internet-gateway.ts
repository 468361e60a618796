import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  DeleteInternetGatewayCommand,
  DetachInternetGatewayCommand,
  paginateDescribeInternetGateways,
  type Filter,
  type InternetGateway,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId, unlessThere } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { describeInterfaces, removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import type { Difference, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface InternetGatewayDesired {
  readonly vpcId: string;
}

export interface ObservedInternetGateway extends Observed {
  /** Absent if the gateway isn't attached. */
  readonly vpcId?: string;
}

const kind = "internet-gateway";

export const internetGateway: Resource<InternetGatewayDesired, ObservedInternetGateway> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity) {
    const { InternetGateway: made } = await ctx.clients.ec2.send(
      new CreateInternetGatewayCommand({
        TagSpecifications: tagSpecifications(identity.tags, "internet-gateway"),
      }),
    );
    return requireId(made?.InternetGatewayId, "CreateInternetGateway");
  },

  attributes: () => [{ field: "", value: "from the VPC to the internet" }],

  differences: (identity, desired, observed) => [
    ...attachmentDifference(desired, observed),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, { identity, desired, observed, differences }) {
    if (concerns(differences, "vpc")) await attach(ctx, observed.id, desired.vpcId);
    await repairTags(ctx, { identity, desired, observed, differences });
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `internet gateway ${id}`,
      attempt: async () => {
        await detach(ctx, id);
        await ctx.clients.ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id }));
      },
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
      blockers: () => describePublicInterfaces(ctx, id),
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "internet-gateway-id", describe });

function attachmentDifference(
  desired: InternetGatewayDesired,
  observed: ObservedInternetGateway,
): Difference[] {
  const values = { desired: desired.vpcId, observed: observed.vpcId };
  // Somebody attached the gateway to another VPC, which now uses it. Berth doesn't detach it there.
  const replace = "it is attached to another VPC";
  return fieldDifference("vpc", observed.vpcId === undefined ? values : { ...values, replace });
}

async function attach(ctx: WriteContext, id: string, vpcId: string): Promise<void> {
  const command = new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId: vpcId });
  const attached = onceVisible(ctx, `internet gateway ${id} to ${vpcId}`, () =>
    ctx.clients.ec2.send(command),
  );
  await unlessThere(attached);
}

async function detach(ctx: WriteContext, id: string): Promise<void> {
  const observed = await lookup.get(ctx, id);
  if (observed?.vpcId === undefined) return;
  const command = new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId: observed.vpcId });
  await unlessGone(ctx.clients.ec2.send(command));
}

/** The network interfaces in the gateway's VPC. AWS doesn't detach a gateway while one of them has a public address. */
async function describePublicInterfaces(ctx: ReadContext, id: string): Promise<string[]> {
  const observed = await lookup.get(ctx, id);
  return observed?.vpcId === undefined
    ? []
    : describeInterfaces(ctx.clients.ec2, { Name: "vpc-id", Values: [observed.vpcId] });
}

async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedInternetGateway[]> {
  const pages = paginateDescribeInternetGateways({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ InternetGateways = [] }) => InternetGateways.map(parseInternetGateway));
}

function parseInternetGateway(raw: InternetGateway): ObservedInternetGateway {
  const attached = raw.Attachments?.find(
    (one) => one.VpcId !== undefined && one.State?.startsWith("detach") !== true,
  );
  return {
    id: requireId(raw.InternetGatewayId, "DescribeInternetGateways"),
    tags: fromTagList(raw.Tags),
    ...(attached?.VpcId === undefined ? {} : { vpcId: attached.VpcId }),
  };
}
