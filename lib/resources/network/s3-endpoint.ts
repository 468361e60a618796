import {
  CreateVpcEndpointCommand,
  DeleteVpcEndpointsCommand,
  ModifyVpcEndpointCommand,
  paginateDescribeVpcEndpoints,
  type DescribeVpcEndpointsCommandInput,
  type VpcEndpoint,
} from "@aws-sdk/client-ec2";
import { unlessAbsent } from "../../aws/errors.ts";
import { fromTagList, ownershipFilters, tagSpecifications } from "../../aws/tags.ts";
import { BerthError } from "../../errors.ts";
import { collect } from "../../toolkit/pages.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { findOwned, identityDifferences, repairTags, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface S3EndpointDesired {
  readonly vpcId: string;
  readonly routeTableId: string;
}

export interface ObservedS3Endpoint extends Observed {
  readonly vpcId: string;
  readonly routeTableIds: readonly string[];
}

const kind = "s3-endpoint";

/** A gateway endpoint, which is free. It keeps traffic to S3, including image layers, inside AWS. */
export const s3Endpoint: Resource<S3EndpointDesired, ObservedS3Endpoint> = {
  kind,

  find: (ctx, identity, known) =>
    findOwned(identity, known, {
      kind,
      byId: async (id) => (await describe(ctx, byId(id))).filter(isStaying),
      byTags: async (filters) => (await describe(ctx, { Filters: filters })).filter(isStaying),
    }),

  async create(ctx, identity, { vpcId, routeTableId }) {
    // The SDK's own client token covers its retries. A derived token would outlive the endpoint, as with route tables.
    const command = new CreateVpcEndpointCommand({
      VpcEndpointType: "Gateway",
      VpcId: vpcId,
      ServiceName: `com.amazonaws.${ctx.region}.s3`,
      RouteTableIds: [routeTableId],
      TagSpecifications: tagSpecifications(identity.tags, "vpc-endpoint"),
    });
    const { VpcEndpoint: made } = await onceVisible(ctx, `S3 endpoint in ${vpcId}`, () =>
      ctx.clients.ec2.send(command),
    );
    return requireId(made?.VpcEndpointId, "CreateVpcEndpoint");
  },

  attributes: () => [{ field: "type", value: "gateway, free of charge" }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("vpc", {
      desired: desired.vpcId,
      observed: observed.vpcId,
      replace: "AWS can't move an endpoint to another VPC",
    }),
    ...fieldDifference("route-table", {
      desired: desired.routeTableId,
      observed: observed.routeTableIds.includes(desired.routeTableId)
        ? desired.routeTableId
        : observed.routeTableIds.join(", ") || undefined,
    }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { desired, observed, differences } = change;
    if (concerns(differences, "route-table")) {
      const command = new ModifyVpcEndpointCommand({
        VpcEndpointId: observed.id,
        AddRouteTableIds: [desired.routeTableId],
      });
      await onceVisible(ctx, `S3 endpoint ${observed.id} for ${desired.routeTableId}`, () =>
        ctx.clients.ec2.send(command),
      );
    }
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `S3 endpoint ${id}`,
      attempt: () => deleteEndpoint(ctx, id),
      listed: async () => (await describe(ctx, byId(id))).some((one) => one.id === id),
    });
  },

  list: async (ctx, stack) =>
    toListed(kind, stack, await describe(ctx, { Filters: ownershipFilters({ stack }) })),
};

const byId = (id: string) => ({ VpcEndpointIds: [id] });

/** The call succeeds even if it deletes nothing. Errors are listed in the response. */
async function deleteEndpoint(ctx: WriteContext, id: string): Promise<void> {
  const { Unsuccessful = [] } = await ctx.clients.ec2.send(
    new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] }),
  );
  const { Code: code = "", Message: text = "" } = Unsuccessful[0]?.Error ?? {};
  if (Unsuccessful.length === 0 || code.endsWith(".NotFound")) return;
  throw new BerthError({ code, message: `S3 endpoint ${id} can't be deleted: ${text}` });
}

interface Described extends ObservedS3Endpoint {
  readonly deleting: boolean;
}

/** Includes endpoints that are being deleted, but not deleted ones. */
async function describe(ctx: ReadContext, query: DescribeVpcEndpointsCommandInput): Promise<Described[]> {
  return (await unlessAbsent(describePages(ctx, query))) ?? [];
}

async function describePages(
  ctx: ReadContext,
  query: DescribeVpcEndpointsCommandInput,
): Promise<Described[]> {
  const pages = paginateDescribeVpcEndpoints({ client: ctx.clients.ec2 }, query);
  return collect(pages, ({ VpcEndpoints = [] }) =>
    VpcEndpoints.filter((one) => stateOf(one) !== "deleted").map(parseEndpoint),
  );
}

const isStaying = (found: Described): boolean => !found.deleting;

// AWS documents the state with a capital letter but returns it in lower case.
const stateOf = (raw: VpcEndpoint): string => (raw.State ?? "").toLowerCase();

function parseEndpoint(raw: VpcEndpoint): Described {
  return {
    id: requireId(raw.VpcEndpointId, "DescribeVpcEndpoints"),
    tags: fromTagList(raw.Tags),
    vpcId: raw.VpcId ?? "",
    routeTableIds: raw.RouteTableIds ?? [],
    deleting: ["deleting", "failed", "rejected", "expired"].includes(stateOf(raw)),
  };
}
