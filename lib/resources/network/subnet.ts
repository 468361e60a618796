import {
  CreateSubnetCommand,
  DeleteSubnetCommand,
  ModifySubnetAttributeCommand,
  paginateDescribeSubnets,
  type Filter,
  type Subnet,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { describeInterfaces, removeUntilGone } from "../../toolkit/removal.ts";
import type { Observed, Resource, ReadContext } from "../../contract/resource.ts";

export interface SubnetDesired {
  readonly vpcId: string;
  readonly cidr: string;
  /** Allowed Availability Zones. A new subnet gets the first one; if absent, AWS chooses. */
  readonly zones?: readonly string[];
}

export interface ObservedSubnet extends Observed {
  readonly vpcId: string;
  readonly cidr: string;
  readonly zone: string;
  readonly publicByDefault: boolean;
}

const kind = "subnet";

const isAllowed = ({ zones }: SubnetDesired, { zone }: ObservedSubnet): boolean =>
  zones?.includes(zone) ?? true;

export const subnet: Resource<SubnetDesired, ObservedSubnet> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity, { vpcId, cidr, zones }) {
    const zone = zones?.[0];
    const command = new CreateSubnetCommand({
      VpcId: vpcId,
      CidrBlock: cidr,
      ...(zone === undefined ? {} : { AvailabilityZone: zone }),
      TagSpecifications: tagSpecifications(identity.tags, "subnet"),
    });
    const { Subnet: made } = await onceVisible(ctx, `subnet in ${vpcId}`, () =>
      ctx.clients.ec2.send(command),
    );
    return requireId(made?.SubnetId, "CreateSubnet");
  },

  attributes: ({ cidr, zones = [] }) => [
    { field: "", value: cidr },
    ...zones.slice(0, 1).map((zone) => ({ field: "zone", value: zone })),
  ],

  differences: (identity, desired, observed) => [
    ...fieldDifference("vpc", {
      desired: desired.vpcId,
      observed: observed.vpcId,
      replace: "AWS can't move a subnet to another VPC",
    }),
    ...fieldDifference("cidr", {
      desired: desired.cidr,
      observed: observed.cidr,
      replace: "AWS can't renumber a subnet",
    }),
    ...fieldDifference("zone", {
      desired: isAllowed(desired, observed) ? observed.zone : desired.zones?.join(" or "),
      observed: observed.zone,
      replace: "AWS can't move a subnet to another zone",
    }),
    ...fieldDifference("public-by-default", { desired: false, observed: observed.publicByDefault }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { id } = change.observed;
    if (concerns(change.differences, "public-by-default")) {
      const off = { SubnetId: id, MapPublicIpOnLaunch: { Value: false } };
      const command = new ModifySubnetAttributeCommand(off);
      await onceVisible(ctx, `settings of ${id}`, () => ctx.clients.ec2.send(command));
    }
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `subnet ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteSubnetCommand({ SubnetId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
      blockers: () => describeInterfaces(ctx.clients.ec2, { Name: "subnet-id", Values: [id] }),
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "subnet-id", describe });

async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedSubnet[]> {
  const pages = paginateDescribeSubnets({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ Subnets = [] }) => Subnets.map(parseSubnet));
}

function parseSubnet(raw: Subnet): ObservedSubnet {
  return {
    id: requireId(raw.SubnetId, "DescribeSubnets"),
    tags: fromTagList(raw.Tags),
    vpcId: raw.VpcId ?? "",
    cidr: raw.CidrBlock ?? "",
    zone: raw.AvailabilityZone ?? "",
    publicByDefault: raw.MapPublicIpOnLaunch ?? false,
  };
}
