import { CreateTagsCommand, type Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters, tagDifferences, toTagList } from "../aws/tags.ts";
import { BerthError } from "../errors.ts";
import { foreignResource, isExactly, isOwnedBy, lostStackTag, parseOwner, stackTag } from "../owner.ts";
import { onceVisible } from "./creation.ts";
import { concerns } from "../contract/difference.ts";
import type { Change, Difference, Facts, Identity, Listed, WriteContext } from "../contract/resource.ts";

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
export async function findOwned<Found extends Facts>(
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
export function refuseStranger<Found extends Facts>(
  identity: Identity,
  found: Found,
  search: NamedSearch,
): Found {
  const isUntagged = found.tags[stackTag] === undefined;
  const isOurs = isUntagged
    ? search.known === found.id && search.marked
    : isOwnedBy(identity.stack, found.tags);
  if (!isOurs) throw foreignResource(search.kind, identity, found, "name");
  return found;
}

/** A recorded id alone proves nothing: a state document can be wrong, or written by somebody else. */
function refuseForeign<Found extends Facts>(kind: string, identity: Identity, found: Found): Found {
  if (isOwnedBy(identity.stack, found.tags) || lostStackTag(identity, found.tags)) return found;
  throw foreignResource(kind, identity, found, "id");
}

function ambiguous(kind: string, identity: Identity, matches: readonly Facts[]): BerthError {
  const ids = matches.map((match) => match.id).toSorted();
  return new BerthError({
    code: "AmbiguousResource",
    message: `${matches.length} resources carry the tags of ${identity.stack}'s ${identity.name}, generation ${identity.generation}: ${ids.join(", ")}`,
    hint: `Remove the ${kind} that isn't wanted, or take its berth:stack tag away`,
    resource: identity.name,
  });
}

/** Puts back the tags of a resource of EC2, if one of the differences is a tag. */
export async function repairTags(ctx: WriteContext, change: Change<unknown, Facts>): Promise<void> {
  if (!concerns(change.differences, "tags")) return;
  const { facts, identity } = change;
  const command = new CreateTagsCommand({ Resources: [facts.id], Tags: toTagList(identity.tags) });
  await onceVisible(ctx, `tags of ${facts.id}`, () => ctx.clients.ec2.send(command));
}

export function identityDifferences(identity: Identity, facts: Facts): Difference[] {
  return tagDifferences(identity.tags, facts.tags);
}

/**
 * For the census: those that carry the stack's tag. What carries it but not the others was tampered with, and is listed under
 * its kind.
 */
export function toListed(kind: string, stack: string, facts: readonly Facts[]): Listed[] {
  return facts
    .filter(({ tags }) => isOwnedBy(stack, tags))
    .map(({ id, tags }) => {
      const { name = kind, generation = 0 } = parseOwner(tags) ?? {};
      return { id, name, generation };
    });
}
