import { CreateTagsCommand, type Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters, tagDifferences, toTagList } from "../aws/tags.ts";
import { BerthError } from "../errors.ts";
import { foreignResource, isExactly, isOwnedBy, lostStackTag, parseOwner, stackTag } from "../owner.ts";
import { onceVisible } from "./creation.ts";
import { concerns } from "../contract/difference.ts";
import type { Change, Difference, Observed, Identity, Listed, WriteContext } from "../contract/resource.ts";

interface Search<Found> {
  readonly kind: string;
  /** Empty if the resource is absent or being deleted. May return others too: `findOwned` drops them. */
  readonly byId: (id: string) => Promise<Found[]>;
  /** All that match and aren't being deleted. May return others too: `findOwned` drops them. */
  readonly byTags: (filters: Filter[]) => Promise<Found[]>;
}

/**
 * Finds an EC2 resource by its recorded id, else by its ownership tags. The response is compared with the request, because
 * not every endpoint that speaks AWS's protocol honours filters.
 *
 * @throws BerthError `ForeignResource`, `AmbiguousResource`.
 */
export async function findOwned<Found extends Observed>(
  identity: Identity,
  known: string | undefined,
  { kind, byId, byTags }: Search<Found>,
): Promise<Found | undefined> {
  if (known !== undefined) {
    const found = (await byId(known)).find(({ id }) => id === known);
    if (found) return refuseForeign(kind, identity, found);
  }
  const answered = await byTags(ownershipFilters(identity));
  const matches = answered.filter(({ tags }) => isExactly(identity, tags));
  if (matches.length > 1) throw ambiguous(kind, identity, matches);
  return matches[0];
}

interface NamedSearch {
  readonly kind: string;
  readonly known: string | undefined;
  /** Whether the resource has settings that only Berth makes. They identify it even if somebody removed its tags. */
  readonly marked: boolean;
}

/**
 * Makes sure that a resource with a derived name is the stack's, because anybody can take a name. Its tags decide. If they
 * are missing, the name must be recorded and the resource must bear Berth's mark; then the tags are repaired.
 *
 * @throws BerthError `ForeignResource`.
 */
export function refuseStranger<Found extends Observed>(
  identity: Identity,
  observed: Found,
  search: NamedSearch,
): Found {
  const isUntagged = observed.tags[stackTag] === undefined;
  const isOurs = isUntagged
    ? search.known === observed.id && search.marked
    : isOwnedBy(identity.stack, observed.tags);
  if (!isOurs) throw foreignResource(search.kind, identity, observed, "name");
  return observed;
}

/** Refuses another owner's resource. A recorded id proves nothing: a state document can be wrong, or somebody else's. */
function refuseForeign<Found extends Observed>(kind: string, identity: Identity, observed: Found): Found {
  if (isOwnedBy(identity.stack, observed.tags) || lostStackTag(identity, observed.tags)) return observed;
  throw foreignResource(kind, identity, observed, "id");
}

function ambiguous(kind: string, identity: Identity, matches: readonly Observed[]): BerthError {
  const ids = matches.map((match) => match.id).toSorted();
  return new BerthError({
    code: "AmbiguousResource",
    message: `${matches.length} resources carry the tags of ${identity.stack}'s ${identity.name}, generation ${identity.generation}: ${ids.join(", ")}`,
    hint: `remove the ${kind} that isn't desired, or take its berth:stack tag away`,
    resource: identity.name,
  });
}

/** Restores the tags of an EC2 resource, if one of the differences is a tag. */
export async function repairTags(ctx: WriteContext, change: Change<unknown, Observed>): Promise<void> {
  if (!concerns(change.differences, "tags")) return;
  const { observed, identity } = change;
  const command = new CreateTagsCommand({ Resources: [observed.id], Tags: toTagList(identity.tags) });
  await onceVisible(ctx, `tags of ${observed.id}`, () => ctx.clients.ec2.send(command));
}

export function identityDifferences(identity: Identity, observed: Observed): Difference[] {
  return tagDifferences(identity.tags, observed.tags);
}

/**
 * Lists, for the census, the resources that carry the stack's tag. If somebody removed the other ownership tags, the resource
 * is listed under its kind.
 */
export function toListed(kind: string, stack: string, observed: readonly Observed[]): Listed[] {
  return observed
    .filter(({ tags }) => isOwnedBy(stack, tags))
    .map(({ id, tags }) => {
      const { name = kind, generation = 0 } = parseOwner(tags) ?? {};
      return { id, name, generation };
    });
}
