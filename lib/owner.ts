import { BerthError } from "./errors.ts";

/** Tags of a resource, by key. */
export type Tags = Readonly<Record<string, string>>;

export const stackTag = "berth:stack";
const resourceTag = "berth:resource";
const generationTag = "berth:generation";

export interface Owner {
  readonly stack: string;
  /** Logical name, unique in the stack. */
  readonly name: string;
  readonly generation: number;
}

/** The tags by which a resource is recognised again in AWS, without any state. */
export function ownershipTags({ stack, name, generation }: Owner): Tags {
  return { [stackTag]: stack, [resourceTag]: name, [generationTag]: String(generation) };
}

/** Whether the tags say that a resource is the stack's. Without this, nothing is changed or removed. */
export function isOwnedBy(stack: string, tags: Tags): boolean {
  return tags[stackTag] === stack;
}

/** Whether all three ownership tags name this very resource. */
export function isExactly(owner: Owner, tags: Tags): boolean {
  return Object.entries(ownershipTags(owner)).every(([key, value]) => tags[key] === value);
}

/**
 * Whether the tags are this resource's but for the stack's, which somebody took away. They are enough to put it back on what
 * is recorded under its id, and never enough to remove anything.
 */
export function lostStackTag(owner: Owner, tags: Tags): boolean {
  return tags[stackTag] === undefined && isExactly(owner, { ...tags, [stackTag]: owner.stack });
}

/** Whose it is by its tags, or undefined when one of the ownership tags is missing or not Berth's. */
export function parseOwner(tags: Tags): Owner | undefined {
  const { [stackTag]: stack, [resourceTag]: name, [generationTag]: text = "" } = tags;
  if (stack === undefined || name === undefined) return undefined;
  const generation = Number.parseInt(text, 10);
  return { stack, name, generation: Number.isNaN(generation) ? 0 : generation };
}

/** How what isn't ours came to be looked at: a document names its id, or it has the name that ours would have. */
export type FoundBy = "id" | "name";

/** Whose it is, and the way out. */
export function foreignResource(
  kind: string,
  wanted: Pick<Owner, "stack" | "name">,
  found: { readonly id: string; readonly tags: Tags },
  by: FoundBy,
): BerthError {
  const stack = found.tags[stackTag];
  const owner = stack === undefined ? `has no ${stackTag} tag` : `belongs to stack ${stack}`;
  const rebuild = "npm run state -- rebuild makes a state document from tags, without it";
  const ways = {
    id:
      stack === undefined
        ? `if it is ${wanted.stack}'s and lost its tag, put ${stackTag}=${wanted.stack} back; else ${rebuild}`
        : rebuild,
    name: `give the stack another name in berth.yaml, or remove ${found.id} if nobody needs it`,
  };
  return new BerthError({
    code: "ForeignResource",
    message: `${kind} ${found.id} ${owner}, so stack ${wanted.stack} won't touch it`,
    hint: ways[by],
    resource: wanted.name,
  });
}
