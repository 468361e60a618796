import {
  CreateSubnetCommand,
  DeleteSubnetCommand,
  ModifySubnetAttributeCommand,
  paginateDescribeSubnets,
  type Filter,
  type Subnet,
} from "@aws-sdk/client-ec2";
import { isBlockTaken } from "../../aws/errors.ts";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { BerthError } from "../../errors.ts";
import { overlap } from "../../ipv4-block.ts";
import { type Look, poll } from "../../poll.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { describeInterfaces, removeUntilGone } from "../../toolkit/removal.ts";
import type { Identity, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface SubnetDesired {
  readonly vpcId: string;
  /** Allowed blocks. A new subnet gets the first one that no other subnet of the VPC has. */
  readonly cidrs: readonly string[];
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
const visibleTimeoutMs = 60_000;

const isAllowed = ({ zones }: SubnetDesired, { zone }: ObservedSubnet): boolean =>
  zones?.includes(zone) ?? true;

export const subnet: Resource<SubnetDesired, ObservedSubnet> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity, desired) {
    for (const cidr of desired.cidrs) {
      const id =
        (await createAt(ctx, identity, { ...desired, cidr })) ??
        (await findOwnAt(ctx, identity, { ...desired, cidr }));
      if (id !== undefined) return id;
    }
    throw noRoom(desired);
  },

  attributes: ({ cidrs, zones = [] }) => [
    ...cidrs.slice(0, 1).map((cidr) => ({ field: "", value: cidr })),
    ...zones.slice(0, 1).map((zone) => ({ field: "zone", value: zone })),
  ],

  differences: (identity, desired, observed) => [
    ...fieldDifference("vpc", {
      desired: desired.vpcId,
      observed: observed.vpcId,
      replace: "AWS can't move a subnet to another VPC",
    }),
    ...fieldDifference("cidr", {
      desired: desired.cidrs.includes(observed.cidr) ? observed.cidr : desired.cidrs.join(" or "),
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

interface Place {
  readonly vpcId: string;
  readonly cidr: string;
  readonly zones?: readonly string[];
}

/** Undefined if another subnet of the VPC has addresses of the block. */
async function createAt(ctx: WriteContext, { tags }: Identity, place: Place): Promise<string | undefined> {
  const { vpcId, cidr, zones } = place;
  const zone = zones?.[0];
  const command = new CreateSubnetCommand({
    VpcId: vpcId,
    CidrBlock: cidr,
    ...(zone === undefined ? {} : { AvailabilityZone: zone }),
    TagSpecifications: tagSpecifications(tags, "subnet"),
  });
  try {
    const { Subnet: made } = await onceVisible(ctx, `subnet in ${vpcId}`, () =>
      ctx.clients.ec2.send(command),
    );
    return requireId(made?.SubnetId, "CreateSubnet");
  } catch (error) {
    if (isBlockTaken(error)) return undefined;
    throw error;
  }
}

/**
 * Looks up who has the block. It may be this very subnet: a call that is repeated because its reply was lost finds the
 * block taken. Lists show a new subnet late, so a block that nobody seems to have is looked up again.
 */
async function findOwnAt(ctx: ReadContext, identity: Identity, place: Place): Promise<string | undefined> {
  const { vpcId, cidr } = place;
  const holder = await poll(ctx, {
    what: `the subnet that has ${cidr}`,
    timeoutMs: visibleTimeoutMs,
    look: async (): Promise<Look<ObservedSubnet>> => {
      const all = await describe(ctx, [{ Name: "vpc-id", Values: [vpcId] }]);
      const found = all.find((one) => one.vpcId === vpcId && overlap(one.cidr, cidr));
      return found
        ? { done: found }
        : { waiting: `${cidr} is taken, but no subnet of ${vpcId} is shown there yet` };
    },
  });
  return identityDifferences(identity, holder).length === 0 ? holder.id : undefined;
}

function noRoom({ vpcId, cidrs }: SubnetDesired): BerthError {
  return new BerthError({
    code: "NetworkFull",
    message: `other subnets of ${vpcId} have addresses of ${cidrs.join(" and ")}, so there is no room for a new subnet`,
    hint: "make network.cidr larger than /24, which makes a new network; or remove the subnets that aren't Berth's",
    resource: kind,
  });
}

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
