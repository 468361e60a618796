import { isOwnedBy } from "../owner.ts";
import type {
  Attribute,
  Difference,
  Observed,
  Identity,
  Resource,
  Listed,
  ReadContext,
  WriteContext,
} from "../contract/resource.ts";

/** What one declaration knows about another. In a plan, a resource to be created has an id like `<new vpc>` and no `observed`. */
export interface Needed<Found extends Observed> {
  readonly id: string;
  readonly observed?: Found | undefined;
}

/** Looks up another declaration's resource. Only those in `needs` are allowed, because others may not exist yet. */
type Need = <Found extends Observed>(declaration: DeclarationOf<Found>) => Needed<Found>;

export interface DeclarationSpec<Desired, Found extends Observed, Inputs> {
  /** Logical name, unique in the stack. */
  readonly name: string;
  readonly resource: Resource<Desired, Found>;
  /** Declarations that are converged before this one and removed after it. `desired` may look up only these. */
  readonly needs?: readonly Named[];
  readonly desired: (need: Need, inputs: Inputs) => Desired;
  /** What a replacement of this resource means for the user. */
  readonly replaceNote?: string;
  /** Why the resource is absent, if nothing was lost. Without this, the plan says `<id> is gone`. */
  readonly absentBecause?: string;
  /** Declares how resources of the kind are found and removed, and none of its own. What other declarations of the kind had is removed. */
  readonly isRetired?: true;
}

/** What desired values are computed from: the other declarations, by name, and `inputs`. */
export interface World<Inputs> {
  readonly needed: (name: string) => Needed<Observed>;
  readonly inputs: Inputs;
}

/** An observed resource, with the operations that start from it. */
export interface Observation<Inputs = unknown> {
  readonly observed: Observed;
  /** Whether the resource carries the stack's tag. Without the tag it may be repaired if its id is recorded, but never removed. */
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

/** A declaration that hides its resource's types, so that the engine can hold many kinds in one list. */
export interface Declaration<Inputs = unknown> extends Named {
  readonly kind: string;
  readonly needs: readonly string[];
  readonly replaceNote?: string | undefined;
  readonly absentBecause?: string | undefined;
  readonly isRetired?: true | undefined;
  /** What a plan shows of the resource before it is created. Absent if there is nothing to show. */
  readonly attributes?: (world: World<Inputs>) => readonly Attribute[];
  readonly find: (
    ctx: ReadContext,
    identity: Identity,
    known?: string,
  ) => Promise<Observation<Inputs> | undefined>;
  readonly create: (ctx: WriteContext, identity: Identity, world: World<Inputs>) => Promise<string>;
  readonly remove: (ctx: WriteContext, id: string) => Promise<void>;
  readonly list: (ctx: ReadContext, stack: string) => Promise<Listed[]>;
}

/** A declaration whose observed values other declarations can use. */
export interface DeclarationOf<Found extends Observed> extends Named {
  readonly isObserved: (observed: Observed) => observed is Found;
}

export function declare<Desired, Found extends Observed, Inputs = unknown>(
  spec: DeclarationSpec<Desired, Found, Inputs>,
): Declaration<Inputs> & DeclarationOf<Found> {
  const { name, resource, needs = [], replaceNote, absentBecause, isRetired } = spec;
  /** Everything that this declaration's resource returned, and that is therefore of type `Found`. */
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
    isRetired,
    attributes: (world) => resource.attributes?.(desired(world)) ?? [],
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
