import { isOwnedBy } from "../owner.ts";
import type {
  Difference,
  Observed,
  Identity,
  Resource,
  Listed,
  ReadContext,
  WriteContext,
} from "../contract/resource.ts";

/** What a declaration may know of another: in a plan, what isn't there yet has a name in angle brackets for its id, and nothing was observed of it. */
export interface Needed<Found extends Observed> {
  readonly id: string;
  readonly observed?: Found | undefined;
}

/** Tells of a declaration that is needed. One that isn't among `needs` may not be asked for: it may not be there in time. */
type Need = <Found extends Observed>(declaration: DeclarationOf<Found>) => Needed<Found>;

export interface DeclarationSpec<Desired, Found extends Observed, Inputs> {
  /** Logical name, unique in the stack. */
  readonly name: string;
  readonly resource: Resource<Desired, Found>;
  /** Wishes that must be true before this one is begun, and that are removed after it. `desired` may ask for these alone. */
  readonly needs?: readonly Named[];
  readonly desired: (need: Need, inputs: Inputs) => Desired;
  /** What it means for the user when this one is replaced. */
  readonly replaceNote?: string;
  /** Why it isn't there, where that is no loss; `<id> is gone` otherwise. */
  readonly absentBecause?: string;
}

/** What all declarations are compared with: each other, by name, and what the stack is made from besides. */
export interface World<Inputs> {
  readonly needed: (name: string) => Needed<Observed>;
  readonly inputs: Inputs;
}

/** A resource as it was found, with what can be asked of it. */
export interface Observation<Inputs = unknown> {
  readonly observed: Observed;
  /** It carries the stack's tag. Without that it may be repaired where its id is recorded, and never removed. */
  readonly isOwned: boolean;
  readonly differences: (world: World<Inputs>) => Difference[];
  readonly update: (
    ctx: WriteContext,
    world: World<Inputs>,
    differences: readonly Difference[],
  ) => Promise<void>;
}

interface Named {
  readonly name: string;
}

/** A declaration with its types closed over, so that the engine can hold many of different kinds. */
export interface Declaration<Inputs = unknown> extends Named {
  readonly kind: string;
  readonly needs: readonly string[];
  readonly replaceNote?: string | undefined;
  readonly absentBecause?: string | undefined;
  readonly find: (
    ctx: ReadContext,
    identity: Identity,
    known?: string,
  ) => Promise<Observation<Inputs> | undefined>;
  readonly create: (ctx: WriteContext, identity: Identity, world: World<Inputs>) => Promise<string>;
  readonly remove: (ctx: WriteContext, id: string) => Promise<void>;
  readonly list: (ctx: ReadContext, stack: string) => Promise<Listed[]>;
}

/** A declaration of which another can ask what was found. */
export interface DeclarationOf<Found extends Observed> extends Named {
  readonly isObserved: (observed: Observed) => observed is Found;
}

export function declare<Desired, Found extends Observed, Inputs = unknown>(
  spec: DeclarationSpec<Desired, Found, Inputs>,
): Declaration<Inputs> & DeclarationOf<Found> {
  const { name, resource, needs = [], replaceNote, absentBecause } = spec;
  /** All that this declaration's own resource found: of its type, whatever the engine knows of it. */
  const found = new WeakSet<Observed>();
  const desired = ({ needed, inputs }: World<Inputs>): Desired =>
    spec.desired((other) => {
      if (!needs.some((one) => one.name === other.name))
        throw new TypeError(`${name} asks for ${other.name}, which it doesn't need`);
      const { id, observed } = needed(other.name);
      return { id, observed: observed !== undefined && other.isObserved(observed) ? observed : undefined };
    }, inputs);
  return {
    name,
    kind: resource.kind,
    needs: needs.map((one) => one.name),
    replaceNote,
    absentBecause,
    isObserved: (observed): observed is Found => found.has(observed),
    find: async (ctx, identity, known) => {
      const observed = await resource.find(ctx, identity, known);
      if (observed === undefined) return undefined;
      found.add(observed);
      return {
        observed,
        isOwned: isOwnedBy(identity.stack, observed.tags),
        differences: (world) => resource.differences(identity, desired(world), observed),
        update: (updateCtx, world, differences) =>
          resource.update(updateCtx, { identity, desired: desired(world), observed, differences }),
      };
    },
    create: (ctx, identity, world) => resource.create(ctx, identity, desired(world)),
    remove: (ctx, id) => resource.remove(ctx, id),
    list: (ctx, stack) => resource.list(ctx, stack),
  };
}
