import type { StateDocument } from "../../state/document.ts";
import type { Difference } from "../contract/resource.ts";
import type { Observations } from "./read.ts";
import type { Observation, Declaration, World } from "./declaration.ts";

type Action = "create" | "update" | "replace";

export interface Step {
  readonly name: string;
  readonly kind: string;
  readonly action: Action;
  /** Empty for a create. */
  readonly differences: readonly Difference[];
  /** Why it has to be created: `not there yet`, or that it vanished. */
  readonly because?: string;
  /** What a replace means for the user. */
  readonly consequence?: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Replaced by an earlier run that ended before it could remove them. */
  readonly leftovers: StateDocument["superseded"];
}

interface Compared<Inputs> {
  readonly declarations: readonly Declaration<Inputs>[];
  readonly observations: Observations<Inputs>;
  readonly document: StateDocument;
  /** What the stack is made from besides. */
  readonly inputs: Inputs;
}

/** Pure: what has to be done to make every declaration true, in an order that respects what needs what. */
export function differences<Inputs>({
  declarations,
  observations,
  document,
  inputs,
}: Compared<Inputs>): Plan {
  const steps = new Map<string, Step>();
  const world = { needed: plannedNeeds(observations, steps), inputs };
  for (const declaration of declarations) {
    const step = stepFor(declaration, observations.get(declaration.name), { world, document });
    if (step !== undefined) steps.set(declaration.name, step);
  }
  const kinds = new Set(declarations.map(({ kind }) => kind));
  // What this stack has no kind for it can't remove either.
  const leftovers = document.superseded.filter(({ kind }) => kinds.has(kind));
  return { steps: [...steps.values()], leftovers };
}

export const isPending = (plan: Plan): boolean => plan.steps.length > 0 || plan.leftovers.length > 0;

/**
 * Whether a plan does nothing that the one shown didn't say. Doing less is within it: an interrupted run's creation that
 * came to light meanwhile needs no more than the update that would have followed.
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
    const because = lost === undefined ? "not there yet" : (declaration.absentBecause ?? `${lost} is gone`);
    return { name, kind, action: "create", differences: [], because };
  }
  const different = observation.differences(world);
  if (different.length === 0) return undefined;
  if (different.every(({ action }) => action === "update")) {
    return { name, kind, action: "update", differences: different };
  }
  const consequence = declaration.replaceNote === undefined ? {} : { consequence: declaration.replaceNote };
  return { name, kind, action: "replace", differences: different, ...consequence };
}

/** What stays as it is, as it was found; a placeholder for what is going to be new. */
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
