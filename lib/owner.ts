import { BerthError } from "./errors.ts";
import { invocation } from "./invocation.ts";

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

/** The tags by which a resource is recognised in AWS without any state. */
export function ownershipTags({ stack, name, generation }: Owner): Tags {
  return { [stackTag]: stack, [resourceTag]: name, [generationTag]: String(generation) };
}

/** Whether the tags say that a resource belongs to the stack. Berth changes and removes nothing else. */
export function isOwnedBy(stack: string, tags: Tags): boolean {
  return tags[stackTag] === stack;
}

/** Whether all three ownership tags name exactly this resource. */
export function isExactly(owner: Owner, tags: Tags): boolean {
  return Object.entries(ownershipTags(owner)).every(([key, value]) => tags[key] === value);
}

/**
 * Whether only the stack tag is missing, because somebody removed it. If the state document records the id, that is enough
 * to put the tag back. It is never enough to remove the resource.
 */
export function lostStackTag(owner: Owner, tags: Tags): boolean {
  return tags[stackTag] === undefined && isExactly(owner, { ...tags, [stackTag]: owner.stack });
}

/** Reads the owner from the tags. Undefined if the stack or resource tag is missing; a generation that isn't a number is 0. */
export function parseOwner(tags: Tags): Owner | undefined {
  const { [stackTag]: stack, [resourceTag]: name, [generationTag]: text = "" } = tags;
  if (stack === undefined || name === undefined) return undefined;
  const generation = Number.parseInt(text, 10);
  return { stack, name, generation: Number.isNaN(generation) ? 0 : generation };
}

/** Why Berth looked at a foreign resource: a state document names its id, or it has the name that Berth would derive. */
export type FoundBy = "id" | "name";

/** The error for a resource that doesn't belong to the stack. It says who owns the resource and what to do. */
export function foreignResource(
  kind: string,
  wanted: Pick<Owner, "stack" | "name">,
  found: { readonly id: string; readonly tags: Tags },
  by: FoundBy,
): BerthError {
  const stack = found.tags[stackTag];
  const owner = stack === undefined ? `has no ${stackTag} tag` : `belongs to stack ${stack}`;
  const rebuild = `${invocation("state rebuild")} makes a state document from tags, without it`;
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
