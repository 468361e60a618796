import type { Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters } from "../aws/tags.ts";
import { findOwned, toListed } from "./ownership.ts";
import type { Observed, Identity, Listed, ReadContext } from "../contract/resource.ts";

export interface Ec2Kind<Found extends Observed> {
  readonly kind: string;
  /** The name of the filter by id: `vpc-id`. */
  readonly idFilter: string;
  /** Everything that EC2 returns for the filters, from all pages. */
  readonly describe: (ctx: ReadContext, filters: Filter[]) => Promise<Found[]>;
}

export interface Ec2Lookup<Found extends Observed> {
  /** The resource with this id, whoever owns it. */
  get(ctx: ReadContext, id: string): Promise<Found | undefined>;
  /** See `find` of `Resource`. */
  find(ctx: ReadContext, identity: Identity, known?: string): Promise<Found | undefined>;
  /** See `list` of `Resource`. */
  list(ctx: ReadContext, stack: string): Promise<Listed[]>;
}

/**
 * The three ways to look up one kind of EC2 resource. Some endpoints ignore a filter and return everything, including the
 * default VPC's resources. So ids and tags are compared again here.
 */
export function ec2Lookup<Found extends Observed>({
  kind,
  idFilter,
  describe,
}: Ec2Kind<Found>): Ec2Lookup<Found> {
  const byId = (ctx: ReadContext, id: string) => describe(ctx, [{ Name: idFilter, Values: [id] }]);
  return {
    get: async (ctx, id) => (await byId(ctx, id)).find((one) => one.id === id),
    find: (ctx, identity, known) =>
      findOwned(identity, known, {
        kind,
        byId: (id) => byId(ctx, id),
        byTags: (filters) => describe(ctx, filters),
      }),
    list: async (ctx, stack) => toListed(kind, stack, await describe(ctx, ownershipFilters({ stack }))),
  };
}
