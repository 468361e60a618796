import { isOwnedBy } from "../owner.ts";
import type {
  Difference,
  Facts,
  Identity,
  Resource,
  Listed,
  ReadContext,
  WriteContext,
} from "../contract/resource.ts";

/** What a wish may know of another: in a plan, what isn't there yet has a name in angle brackets for its id, and no facts. */
export interface Needed<Found extends Facts> {
  readonly id: string;
  readonly facts?: Found | undefined;
}

/** Tells of a wish that is needed. One that isn't among `needs` may not be asked for: it may not be there in time. */
type Need = <Found extends Facts>(wish: WishFor<Found>) => Needed<Found>;

export interface WishSpec<Desired, Found extends Facts, Inputs> {
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

/** What all wishes are compared with: each other, by name, and what the stack is made from besides. */
export interface World<Inputs> {
  readonly needed: (name: string) => Needed<Facts>;
  readonly inputs: Inputs;
}

/** A resource as it was found, with what can be asked of it. */
export interface Observed<Inputs = unknown> {
  readonly facts: Facts;
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

/** A wish with its types closed over, so that the engine can hold many of different kinds. */
export interface Wish<Inputs = unknown> extends Named {
  readonly kind: string;
  readonly needs: readonly string[];
  readonly replaceNote?: string | undefined;
  readonly absentBecause?: string | undefined;
  readonly find: (
    ctx: ReadContext,
    identity: Identity,
    known?: string,
  ) => Promise<Observed<Inputs> | undefined>;
  readonly create: (ctx: WriteContext, identity: Identity, world: World<Inputs>) => Promise<string>;
  readonly remove: (ctx: WriteContext, id: string) => Promise<void>;
  readonly list: (ctx: ReadContext, stack: string) => Promise<Listed[]>;
}

/** A wish of which another can ask what was found. */
export interface WishFor<Found extends Facts> extends Named {
  readonly isFound: (facts: Facts) => facts is Found;
}

export function wish<Desired, Found extends Facts, Inputs = unknown>(
  spec: WishSpec<Desired, Found, Inputs>,
): Wish<Inputs> & WishFor<Found> {
  const { name, resource, needs = [], replaceNote, absentBecause } = spec;
  /** All that this wish's own resource found: of its type, whatever the engine knows of it. */
  const found = new WeakSet<Facts>();
  const desired = ({ needed, inputs }: World<Inputs>): Desired =>
    spec.desired((other) => {
      if (!needs.some((one) => one.name === other.name))
        throw new TypeError(`${name} asks for ${other.name}, which it doesn't need`);
      const { id, facts } = needed(other.name);
      return { id, facts: facts !== undefined && other.isFound(facts) ? facts : undefined };
    }, inputs);
  return {
    name,
    kind: resource.kind,
    needs: needs.map((one) => one.name),
    replaceNote,
    absentBecause,
    isFound: (facts): facts is Found => found.has(facts),
    find: async (ctx, identity, known) => {
      const facts = await resource.find(ctx, identity, known);
      if (facts === undefined) return undefined;
      found.add(facts);
      return {
        facts,
        isOwned: isOwnedBy(identity.stack, facts.tags),
        differences: (world) => resource.differences(identity, desired(world), facts),
        update: (updateCtx, world, differences) =>
          resource.update(updateCtx, { identity, desired: desired(world), facts, differences }),
      };
    },
    create: (ctx, identity, world) => resource.create(ctx, identity, desired(world)),
    remove: (ctx, id) => resource.remove(ctx, id),
    list: (ctx, stack) => resource.list(ctx, stack),
  };
}
