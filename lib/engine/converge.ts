import { createAndFind } from "./create.ts";
import { runGraph } from "./graph.ts";
import { noteId, noteIntent } from "./intent.ts";
import type { Plan, Step } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { Observations } from "./read.ts";
import { removeSuperseded } from "./superseded.ts";
import { updateUntilEqual } from "./update.ts";
import type { Observation, Declaration } from "./declaration.ts";
import type { Work } from "./work.ts";

export interface ConvergeOptions<Inputs = unknown> extends Omit<Work<Inputs>, "world"> {
  readonly declarations: readonly Declaration<Inputs>[];
  readonly observations: Observations<Inputs>;
  /** Other values that declarations depend on, such as what AWS offers. */
  readonly inputs: Inputs;
  readonly plan: Plan;
  readonly progress: Progress;
  /** Turns a step's error into one that a user understands; `what` and `resource` name the step. */
  readonly explain?: (error: unknown, what: string, resource: string) => unknown;
}

const parallel = 8;

/**
 * Carries out every step of the plan. The flow is the same for every starting point: create the resource if it is absent and
 * note its id; then compare, update, and look again until nothing differs. Replaced resources are removed last, in reverse
 * dependency order. Returns the last observation of every resource.
 */
export async function converge<Inputs>(options: ConvergeOptions<Inputs>): Promise<Observations<Inputs>> {
  const { journal, plan, declarations, inputs } = options;
  const found = new Map(options.observations);
  const steps = new Map(plan.steps.map((step) => [step.name, step]));
  noteIntent(options);
  await journal.flush();

  const needed = (name: string) => {
    const observed = found.get(name)?.observed;
    if (observed === undefined) throw new TypeError(`${name} isn't there yet`);
    return { id: observed.id, observed };
  };
  const work = { ...options, world: { needed, inputs } };
  try {
    await runGraph(
      declarations,
      async (declaration) => {
        const step = steps.get(declaration.name);
        const observation = found.get(declaration.name);
        if (step !== undefined) found.set(declaration.name, await perform(declaration, step, work));
        else if (observation !== undefined) noteId(journal, declaration, observation.observed.id);
      },
      { limit: parallel, signal: options.ctx.signal },
    );
    await removeSuperseded(options);
    return found;
  } finally {
    await journal.flush();
  }
}

async function perform<Inputs>(
  declaration: Declaration<Inputs>,
  step: Step,
  work: ConvergeOptions<Inputs> & Work<Inputs>,
): Promise<Observation<Inputs>> {
  const note = work.progress.begin(declaration.name, step.action);
  const own = { ...work, ctx: { ...work.ctx, note } };
  try {
    const observation =
      step.action === "update"
        ? work.observations.get(declaration.name)
        : await createAndFind(declaration, own);
    if (observation === undefined)
      throw new TypeError(`${declaration.name} is to be updated but was not found`);
    const equal = await updateUntilEqual(declaration, observation, own);
    work.progress.end(declaration.name, step.action, equal.observed.id);
    return equal;
  } catch (error) {
    work.progress.fail(declaration.name, step.action, work.ctx.signal.aborted);
    throw work.explain?.(error, declaration.name, declaration.name) ?? error;
  }
}
