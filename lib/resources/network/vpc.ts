import {
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  ModifyVpcAttributeCommand,
  paginateDescribeVpcs,
  type Filter,
  type Vpc,
  type VpcAttributeName,
} from "@aws-sdk/client-ec2";
import { unlessAbsent } from "../../aws/errors.ts";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { describeVpcDependents, removeUntilGone } from "../../toolkit/removal.ts";
import type { Difference, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface VpcDesired {
  readonly cidr: string;
}

export interface ObservedVpc extends Observed {
  readonly cidr: string;
  readonly dnsSupport: boolean;
  readonly dnsHostnames: boolean;
}

const kind = "vpc";

export const vpc: Resource<VpcDesired, ObservedVpc> = {
  kind,

  async find(ctx, identity, known) {
    const found = await lookup.find(ctx, identity, known);
    return found && readDns(ctx, found);
  },

  async create(ctx, identity, desired) {
    const { Vpc: made } = await ctx.clients.ec2.send(
      new CreateVpcCommand({
        CidrBlock: desired.cidr,
        TagSpecifications: tagSpecifications(identity.tags, "vpc"),
      }),
    );
    return requireId(made?.VpcId, "CreateVpc");
  },

  attributes: ({ cidr }) => [{ field: "", value: cidr }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("cidr", {
      desired: desired.cidr,
      observed: observed.cidr,
      replace: "AWS can't renumber a VPC",
    }),
    ...fieldDifference("dns-support", { desired: true, observed: observed.dnsSupport }),
    ...fieldDifference("dns-hostnames", { desired: true, observed: observed.dnsHostnames }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { id } = change.observed;
    await onceVisible(ctx, `settings of ${id}`, () => switchDnsOn(ctx, id, change.differences));
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `VPC ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteVpcCommand({ VpcId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
      blockers: () => describeVpcDependents(ctx.clients.ec2, id),
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "vpc-id", describe });

/** AWS takes one attribute per call, and accepts DNS host names only if DNS support is on. */
async function switchDnsOn(
  ctx: WriteContext,
  VpcId: string,
  differences: readonly Difference[],
): Promise<void> {
  const { ec2 } = ctx.clients;
  const on = { Value: true };
  if (concerns(differences, "dns-support")) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsSupport: on }));
  }
  if (concerns(differences, "dns-hostnames")) {
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: on }));
  }
}

type Described = Omit<ObservedVpc, "dnsSupport" | "dnsHostnames">;

async function describe(ctx: ReadContext, filters: Filter[]): Promise<Described[]> {
  const pages = paginateDescribeVpcs({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ Vpcs = [] }) => Vpcs.map(parseVpc));
}

function parseVpc(raw: Vpc): Described {
  return { id: requireId(raw.VpcId, "DescribeVpcs"), tags: fromTagList(raw.Tags), cidr: raw.CidrBlock ?? "" };
}

/** Reads the attributes that DescribeVpcs doesn't return. Undefined if the VPC has been deleted meanwhile. */
async function readDns(ctx: ReadContext, observed: Described): Promise<ObservedVpc | undefined> {
  const read = (Attribute: VpcAttributeName) =>
    ctx.clients.ec2.send(new DescribeVpcAttributeCommand({ VpcId: observed.id, Attribute }));
  const [support, hostnames] = await Promise.all([
    unlessAbsent(read("enableDnsSupport")),
    unlessAbsent(read("enableDnsHostnames")),
  ]);
  if (support === undefined || hostnames === undefined) return undefined;
  return {
    ...observed,
    dnsSupport: support.EnableDnsSupport?.Value ?? false,
    dnsHostnames: hostnames.EnableDnsHostnames?.Value ?? false,
  };
}
