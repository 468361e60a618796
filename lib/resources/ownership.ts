import { CreateTagsCommand, type Filter } from "@aws-sdk/client-ec2";
import { ownershipFilters, parseOwner, stackTag, tagDifferences, toTagList, type Tags } from "../aws/tags.ts";
import { BerthError } from "../errors.ts";
import { onceVisible } from "./creation.ts";
import { concerns } from "./difference.ts";
import type { Change, Difference, Facts, Identity, Listed, ResourceContext } from "./resource.ts";

interface Search<Found> {
  readonly kind: string;
  /** None when it isn't there or is on its way out. */
  readonly byId: (id: string) => Promise<Found[]>;
  /** All that match and aren't on their way out. */
  readonly byTags: (filters: Filter[]) => Promise<Found[]>;
}

/**
 * The resource of EC2 by recorded id, else by its ownership tags.
 *
 * @throws BerthError `ForeignResource`, `AmbiguousResource`.
 */
export async function findOwned<Found extends Facts>(
  identity: Identity,
  known: string | undefined,
  { kind, byId, byTags }: Search<Found>,
): Promise<Found | undefined> {
  if (known !== undefined) {
    const [found] = await byId(known);
    if (found) return refuseOtherStack(kind, identity, found);
  }
  const matches = await byTags(ownershipFilters(identity));
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
  const tagged = found.tags[stackTag] !== undefined;
  if (!tagged && !(search.known === found.id && search.marked)) throw foreign(search.kind, identity, found);
  return refuseOtherStack(search.kind, identity, found);
}

function refuseOtherStack<Found extends Facts>(kind: string, identity: Identity, found: Found): Found {
  const stack = found.tags[stackTag];
  if (stack !== undefined && stack !== identity.stack) throw foreign(kind, identity, found);
  return found;
}

/** The name is taken, or the recorded id is another stack's: whose, and the way out. */
function foreign(kind: string, identity: Identity, found: { id: string; tags?: Tags }): BerthError {
  const stack = found.tags?.[stackTag];
  const owner =
    stack === undefined ? "isn't Berth's: it has no berth:stack tag" : `belongs to stack ${stack}`;
  return new BerthError({
    code: "ForeignResource",
    message: `${kind} ${found.id} ${owner}, so stack ${identity.stack} won't touch it`,
    hint: `Give the stack another name in berth.yaml, or remove ${found.id} if nobody needs it`,
    resource: identity.name,
  });
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
export async function repairTags(ctx: ResourceContext, change: Change<unknown, Facts>): Promise<void> {
  if (!concerns(change.differences, "tags")) return;
  const { facts, identity } = change;
  const command = new CreateTagsCommand({ Resources: [facts.id], Tags: toTagList(identity.tags) });
  await onceVisible(ctx, `tags of ${facts.id}`, () => ctx.clients.ec2.send(command));
}

export function identityDifferences(identity: Identity, facts: Facts): Difference[] {
  return tagDifferences(identity.tags, facts.tags);
}

/** For the census. What carries the stack's tag but not the others was tampered with, and is listed under its kind. */
export function toListed(kind: string, facts: readonly Facts[]): Listed[] {
  return facts.map(({ id, tags }) => {
    const { name = kind, generation = 0 } = parseOwner(tags) ?? {};
    return { id, name, generation };
  });
}
