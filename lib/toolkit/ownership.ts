import { CreateTagsCommand, type Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters, tagDifferences, toTagList } from "../aws/tags.ts";
import { BerthError } from "../errors.ts";
import { foreignResource, isExactly, isOwnedBy, lostStackTag, parseOwner, stackTag } from "../owner.ts";
import { onceVisible } from "./creation.ts";
import { concerns } from "../contract/difference.ts";
import type { Change, Difference, Observed, Identity, Listed, WriteContext } from "../contract/resource.ts";

interface Search<Found> {
  readonly kind: string;
  /** None when it isn't there or is on its way out. Others than the one asked for are left out here. */
  readonly byId: (id: string) => Promise<Found[]>;
  /** All that match and aren't on their way out. Others than those asked for are left out here. */
  readonly byTags: (filters: Filter[]) => Promise<Found[]>;
}

/**
 * The resource of EC2 by recorded id, else by its ownership tags. What is answered is compared with what was asked for:
 * not every endpoint that speaks like AWS honours a filter.
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
  /** Set up as nobody but Berth would: it is ours even if somebody took its tags. */
  readonly marked: boolean;
}

/**
 * Whether what has a derived name is ours: names, unlike ids, can be taken by anybody. By its tags; where they are missing, only if
 * the name is recorded and it bears Berth's mark, and then the tags are repaired.
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

/** A recorded id alone proves nothing: a state document can be wrong, or written by somebody else. */
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

/** Puts back the tags of a resource of EC2, if one of the differences is a tag. */
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
 * For the census: those that carry the stack's tag. What carries it but not the others was tampered with, and is listed under
 * its kind.
 */
export function toListed(kind: string, stack: string, observed: readonly Observed[]): Listed[] {
  return observed
    .filter(({ tags }) => isOwnedBy(stack, tags))
    .map(({ id, tags }) => {
      const { name = kind, generation = 0 } = parseOwner(tags) ?? {};
      return { id, name, generation };
    });
}
