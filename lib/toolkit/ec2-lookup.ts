import type { Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters } from "../aws/tags.ts";
import { findOwned, toListed } from "./ownership.ts";
import type { Observed, Identity, Listed, ReadContext } from "../contract/resource.ts";

export interface Ec2Kind<Found extends Observed> {
  readonly kind: string;
  /** The filter that chooses by id: `vpc-id`. */
  readonly idFilter: string;
  /** Everything that EC2 answers with for the filters, on all pages. */
  readonly describe: (ctx: ReadContext, filters: Filter[]) => Promise<Found[]>;
}

export interface Ec2Lookup<Found extends Observed> {
  /** The one of that id, whoever owns it. */
  get(ctx: ReadContext, id: string): Promise<Found | undefined>;
  /** As `find` of `Resource`. */
  find(ctx: ReadContext, identity: Identity, known?: string): Promise<Found | undefined>;
  /** As `list` of `Resource`. */
  list(ctx: ReadContext, stack: string): Promise<Listed[]>;
}

/**
 * The three ways to look for a kind of thing in EC2. A filter is only a request: an endpoint that ignores one answers with
 * everything there is, the default VPC's things included. So ids and tags are compared again, here.
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
