import type { StateDocument } from "../../state/document.ts";
import { foreignResource } from "../owner.ts";
import type { ReadContext } from "../contract/resource.ts";
import type { Identify } from "./read.ts";
import type { Declaration } from "./declaration.ts";

/** A resource as a state document or its tags name it. */
export interface Named {
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;
}

class OwnedResource implements Named {
  /** Keeps other objects from passing as this type. Only resources that were observed may be removed. */
  declare protected readonly wasSeen: true;
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;

  constructor({ name, kind, id, generation }: Named) {
    this.name = name;
    this.kind = kind;
    this.id = id;
    this.generation = generation;
  }
}

/** A resource that AWS showed with the stack's tag. Only the functions below make one, and only such resources are removed. */
export type Owned = OwnedResource;

/**
 * Lists everything in AWS that carries the stack's ownership tag. Each kind is listed once, however many declarations it has.
 */
export async function listAll<Inputs>(
  declarations: readonly Declaration<Inputs>[],
  ctx: ReadContext,
  stack: string,
): Promise<Owned[]> {
  const kinds = new Map(declarations.map((declaration) => [declaration.kind, declaration]));
  const lists = await Promise.all(
    [...kinds.values()].map(async ({ kind, list }) =>
      (await list(ctx, stack)).map((one) => new OwnedResource({ ...one, kind })),
    ),
  );
  return lists.flat();
}

export interface LookOptions<Inputs> {
  readonly ctx: ReadContext;
  readonly declarations: readonly Declaration<Inputs>[];
  readonly document: StateDocument;
  readonly identify: Identify;
}

/**
 * Finds those resources named by a document that still exist, all at once. Ownership is checked in AWS, because a document may
 * name resources that belong to somebody else.
 *
 * @throws BerthError `ForeignResource` for a resource that doesn't carry the stack's tag.
 */
export async function findRecorded<Inputs>(
  recorded: readonly Named[],
  options: LookOptions<Inputs>,
): Promise<Owned[]> {
  const found = await Promise.all(recorded.map((one) => findOne(one, options)));
  return found.filter((one) => one !== undefined);
}

async function findOne<Inputs>(
  recorded: Named,
  { ctx, declarations, document, identify }: LookOptions<Inputs>,
): Promise<Owned | undefined> {
  const { name, kind, generation, id } = recorded;
  const identity = identify(name, generation, document);
  const observation = await declarations.find((one) => one.kind === kind)?.find(ctx, identity, id);
  // If `find` returned a resource with another id, the recorded one is gone.
  if (observation?.observed.id !== id) return undefined;
  if (!observation.isOwned) throw foreignResource(kind, identity, observation.observed, "id");
  return new OwnedResource(recorded);
}
