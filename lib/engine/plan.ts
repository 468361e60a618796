import type { StateDocument } from "../../state/document.ts";
import type { Attribute, Difference } from "../contract/resource.ts";
import type { Observations } from "./read.ts";
import type { Observation, Declaration, World } from "./declaration.ts";

type Action = "create" | "update" | "replace";

export interface Step {
  readonly name: string;
  readonly kind: string;
  readonly action: Action;
  /** Empty for a create. */
  readonly differences: readonly Difference[];
  /** What a new resource will be like; absent where there is nothing to say. */
  readonly attributes?: readonly Attribute[];
  /** Why it has to be created: `not there yet`, or that it is gone. */
  readonly because?: string;
  /** What the replacement means for the user. */
  readonly consequence?: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Resources that an earlier run replaced but didn't remove before it ended. */
  readonly superseded: StateDocument["superseded"];
}

/** Why a resource is created that never was there. */
export const notThereYet = "not there yet";

interface Compared<Inputs> {
  readonly declarations: readonly Declaration<Inputs>[];
  readonly observations: Observations<Inputs>;
  readonly document: StateDocument;
  /** Other values that declarations depend on, such as what AWS offers. */
  readonly inputs: Inputs;
}

/** Computes the steps that bring every declaration to its desired state, in dependency order. Pure. */
export function differences<Inputs>({
  declarations,
  observations,
  document,
  inputs,
}: Compared<Inputs>): Plan {
  const steps = new Map<string, Step>();
  const world = { needed: plannedNeeds(observations, steps), inputs };
  for (const declaration of declarations) {
    if (declaration.isRetired) continue;
    const step = stepFor(declaration, observations.get(declaration.name), { world, document });
    if (step !== undefined) steps.set(declaration.name, step);
  }
  const kinds = new Set(declarations.map(({ kind }) => kind));
  // A stack that doesn't declare a kind has no code to remove it.
  const superseded = document.superseded.filter(({ kind }) => kinds.has(kind));
  return { steps: [...steps.values()], superseded };
}

export const isPending = (plan: Plan): boolean => plan.steps.length > 0 || plan.superseded.length > 0;

/**
 * Whether a plan does nothing beyond the plan that was shown. It may do less: if a resource that an interrupted run created
 * has become visible meanwhile, only the update that would have followed its creation is left.
 */
export function isWithin(shown: Plan, plan: Plan): boolean {
  return plan.steps.every((step) => {
    const before = shown.steps.find(({ name }) => name === step.name);
    if (before?.action === "create" && step.action !== "replace") return true;
    return before !== undefined && JSON.stringify(before) === JSON.stringify(step);
  });
}

interface Known<Inputs> {
  readonly world: World<Inputs>;
  readonly document: StateDocument;
}

function stepFor<Inputs>(
  declaration: Declaration<Inputs>,
  observation: Observation<Inputs> | undefined,
  { world, document }: Known<Inputs>,
): Step | undefined {
  const { name, kind } = declaration;
  if (observation === undefined) {
    const lost = document.resources[name]?.id;
    const because = lost === undefined ? notThereYet : (declaration.absentBecause ?? `${lost} is gone`);
    const attributes = declaration.attributes?.(world) ?? [];
    const described = attributes.length === 0 ? {} : { attributes };
    return { name, kind, action: "create", differences: [], because, ...described };
  }
  const different = observation.differences(world);
  if (different.length === 0) return undefined;
  if (different.every(({ action }) => action === "update")) {
    return { name, kind, action: "update", differences: different };
  }
  const consequence = declaration.replaceNote === undefined ? {} : { consequence: declaration.replaceNote };
  return { name, kind, action: "replace", differences: different, ...consequence };
}

/** Returns the observed resource if it stays, and a placeholder if it is going to be created. */
function plannedNeeds<Inputs>(
  found: Observations<Inputs>,
  steps: ReadonlyMap<string, Step>,
): World<Inputs>["needed"] {
  return (name) => {
    const action = steps.get(name)?.action;
    const observed = found.get(name)?.observed;
    const isNew = observed === undefined || action === "create" || action === "replace";
    return isNew ? { id: `<new ${name}>` } : { id: observed.id, observed };
  };
}
