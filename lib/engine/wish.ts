import { isOwnedBy } from "../owner.ts";
import type {
  Difference,
  Facts,
  Identity,
  Resource,
  ResourceContext,
  Listed,
} from "../resources/resource.ts";

/** The id of another wish's resource. In a plan, of one that isn't there yet: a name in angle brackets. */
export type IdOf = (name: string) => string;

export interface WishSpec<Desired, Found extends Facts> {
  /** Logical name, unique in the stack. */
  readonly name: string;
  readonly resource: Resource<Desired, Found>;
  /** Wishes that must be true before this one is begun, and that are removed after it. `desired` may ask ids of these alone. */
  readonly needs?: readonly string[];
  readonly desired: (idOf: IdOf) => Desired;
  /** What it means for the user when this one is replaced. */
  readonly replaceNote?: string;
  /** Why it isn't there, where that is no loss; `<id> is gone` otherwise. */
  readonly absentBecause?: string;
  /** What a user wants to know of it: `url`. */
  readonly outputs?: (facts: Found) => Outputs;
}

type Outputs = Readonly<Record<string, string>>;

/** A resource as it was found, with what can be asked of it. */
export interface Observed {
  readonly facts: Facts;
  /** It carries the stack's tag. Without that it may be repaired where its id is recorded, and never removed. */
  readonly isOwned: boolean;
  readonly outputs: Outputs;
  readonly differences: (idOf: IdOf) => Difference[];
  readonly update: (ctx: ResourceContext, idOf: IdOf, differences: readonly Difference[]) => Promise<void>;
}

/** A wish with its types closed over, so that the engine can hold many of different kinds. */
export interface Wish {
  readonly name: string;
  readonly kind: string;
  readonly needs: readonly string[];
  readonly replaceNote?: string | undefined;
  readonly absentBecause?: string | undefined;
  readonly find: (ctx: ResourceContext, identity: Identity, known?: string) => Promise<Observed | undefined>;
  readonly create: (ctx: ResourceContext, identity: Identity, idOf: IdOf) => Promise<string>;
  readonly remove: (ctx: ResourceContext, id: string) => Promise<void>;
  readonly list: (ctx: ResourceContext, stack: string) => Promise<Listed[]>;
}

export function wish<Desired, Found extends Facts>(spec: WishSpec<Desired, Found>): Wish {
  const { name, resource, needs = [], replaceNote, absentBecause } = spec;
  const desired = (idOf: IdOf): Desired =>
    spec.desired((other) => {
      if (!needs.includes(other))
        throw new TypeError(`${name} asks for the id of ${other}, which it doesn't need`);
      return idOf(other);
    });
  return {
    name,
    kind: resource.kind,
    needs,
    replaceNote,
    absentBecause,
    find: async (ctx, identity, known) => {
      const facts = await resource.find(ctx, identity, known);
      if (facts === undefined) return undefined;
      return {
        facts,
        isOwned: isOwnedBy(identity.stack, facts.tags),
        outputs: spec.outputs?.(facts) ?? {},
        differences: (idOf) => resource.differences(identity, desired(idOf), facts),
        update: (updateCtx, idOf, differences) =>
          resource.update(updateCtx, { identity, desired: desired(idOf), facts, differences }),
      };
    },
    create: (ctx, identity, idOf) => resource.create(ctx, identity, desired(idOf)),
    remove: (ctx, id) => resource.remove(ctx, id),
    list: (ctx, stack) => resource.list(ctx, stack),
  };
}
