import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteTableCommand,
  DisassociateRouteTableCommand,
  paginateDescribeRouteTables,
  ReplaceRouteCommand,
  ReplaceRouteTableAssociationCommand,
  type Filter,
  type Route,
  type RouteTable,
} from "@aws-sdk/client-ec2";
import { fromTagList, tagSpecifications } from "../../aws/tags.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId, unlessThere } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags } from "../../toolkit/ownership.ts";
import { removeUntilGone, unlessGone } from "../../toolkit/removal.ts";
import type { Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface RouteTableDesired {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly gatewayId: string;
}

export interface ObservedRouteTable extends Observed {
  readonly vpcId: string;
  /** The target of the default route: an id, followed by ` (blackhole)` if the target is gone. Absent without a default route. */
  readonly defaultRoute?: string;
  readonly associations: readonly { readonly id: string; readonly subnetId: string }[];
}

const kind = "route-table";
const everywhere = "0.0.0.0/0";

export const routeTable: Resource<RouteTableDesired, ObservedRouteTable> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity, { vpcId }) {
    // The SDK's own client token covers its retries. A derived token would outlive the table, and AWS would return the deleted one.
    const input = { VpcId: vpcId, TagSpecifications: tagSpecifications(identity.tags, "route-table") };
    const command = new CreateRouteTableCommand(input);
    const { RouteTable: made } = await onceVisible(ctx, `route table in ${vpcId}`, () =>
      ctx.clients.ec2.send(command),
    );
    return requireId(made?.RouteTableId, "CreateRouteTable");
  },

  attributes: () => [{ field: everywhere, value: "to the internet gateway" }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("vpc", {
      desired: desired.vpcId,
      observed: observed.vpcId,
      replace: "AWS can't move a route table to another VPC",
    }),
    ...fieldDifference(`routes[${everywhere}]`, {
      desired: desired.gatewayId,
      observed: observed.defaultRoute,
    }),
    ...fieldDifference("subnet", {
      desired: desired.subnetId,
      observed: observed.associations.find((one) => one.subnetId === desired.subnetId)?.subnetId,
    }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { desired, observed, differences } = change;
    if (concerns(differences, "routes")) await setDefaultRoute(ctx, observed, desired.gatewayId);
    if (concerns(differences, "subnet")) await associate(ctx, observed.id, desired.subnetId);
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `route table ${id}`,
      attempt: async () => {
        await disassociate(ctx, id);
        await ctx.clients.ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }));
      },
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
    });
  },

  list: (...asked) => lookup.list(...asked),
};

const lookup = ec2Lookup({ kind, idFilter: "route-table-id", describe });

async function setDefaultRoute(
  ctx: WriteContext,
  observed: ObservedRouteTable,
  gatewayId: string,
): Promise<void> {
  const route = { RouteTableId: observed.id, DestinationCidrBlock: everywhere, GatewayId: gatewayId };
  await onceVisible(ctx, `route from ${observed.id} to ${gatewayId}`, async () => {
    const { ec2 } = ctx.clients;
    const isNew =
      observed.defaultRoute === undefined && (await unlessThere(ec2.send(new CreateRouteCommand(route))));
    if (!isNew) await ec2.send(new ReplaceRouteCommand(route));
  });
}

// A subnet has one route table. If it has another one, the association is replaced, so that the subnet is never without a table.
async function associate(ctx: WriteContext, id: string, subnetId: string): Promise<void> {
  const { ec2 } = ctx.clients;
  const tables = await describe(ctx, [{ Name: "association.subnet-id", Values: [subnetId] }]);
  const held = tables.flatMap(({ associations }) => associations).find((one) => one.subnetId === subnetId);
  await onceVisible(ctx, `route table ${id} for ${subnetId}`, async () => {
    if (held === undefined)
      await ec2.send(new AssociateRouteTableCommand({ RouteTableId: id, SubnetId: subnetId }));
    else
      await ec2.send(new ReplaceRouteTableAssociationCommand({ RouteTableId: id, AssociationId: held.id }));
  });
}

async function disassociate(ctx: WriteContext, id: string): Promise<void> {
  const observed = await lookup.get(ctx, id);
  for (const association of observed?.associations ?? []) {
    const command = new DisassociateRouteTableCommand({ AssociationId: association.id });
    await unlessGone(ctx.clients.ec2.send(command));
  }
}

async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedRouteTable[]> {
  const pages = paginateDescribeRouteTables({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ RouteTables = [] }) => RouteTables.map(parseRouteTable));
}

function parseRouteTable(raw: RouteTable): ObservedRouteTable {
  const route = raw.Routes?.find((one) => one.DestinationCidrBlock === everywhere);
  const active =
    raw.Associations?.filter((one) => one.AssociationState?.State?.startsWith("disassociat") !== true) ?? [];
  return {
    id: requireId(raw.RouteTableId, "DescribeRouteTables"),
    tags: fromTagList(raw.Tags),
    vpcId: raw.VpcId ?? "",
    ...(route === undefined ? {} : { defaultRoute: describeTarget(route) }),
    associations: active.flatMap(({ RouteTableAssociationId: id, SubnetId: subnetId }) =>
      id === undefined || subnetId === undefined ? [] : [{ id, subnetId }],
    ),
  };
}

function describeTarget(route: Route): string {
  const { GatewayId, NatGatewayId, NetworkInterfaceId, TransitGatewayId, VpcPeeringConnectionId } = route;
  const target =
    GatewayId ?? NatGatewayId ?? NetworkInterfaceId ?? TransitGatewayId ?? VpcPeeringConnectionId ?? "other";
  return route.State === "blackhole" ? `${target} (blackhole)` : target;
}
