import type { StateDocument } from "../../state/document.ts";
import { foreignResource } from "../owner.ts";
import type { ReadContext } from "../contract/resource.ts";
import type { Identify } from "./read.ts";
import type { Declaration } from "./declaration.ts";

/** One thing by what a state document or a tag says of it. */
export interface Named {
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;
}

class OwnedResource implements Named {
  /** Nothing else passes for one: what is removed was looked at. */
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

/** Something that AWS showed with the stack's tag on it. The looks below alone make one, and only such a one is removed. */
export type Owned = OwnedResource;

/**
 * Everything of the stack: what carries its ownership tag in AWS, and nothing that AWS doesn't show. Each kind is listed once,
 * however many declarations are of it.
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
 * What is still there of the things that a document names, looked at all at once. A document is never believed: what it names
 * may be anybody's.
 *
 * @throws BerthError `ForeignResource` for one that doesn't carry the stack's tag.
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
  // Another one than the recorded is no answer: that one is gone.
  if (observation?.observed.id !== id) return undefined;
  if (!observation.isOwned) throw foreignResource(kind, identity, observation.observed, "id");
  return new OwnedResource(recorded);
}
