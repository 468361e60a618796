import type { Journal } from "../../state/journal.ts";
import type { WriteContext } from "../contract/resource.ts";
import { createAndFind } from "./create.ts";
import { runGraph } from "./graph.ts";
import { noteId, noteIntent } from "./intent.ts";
import type { Plan, Step } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { Identify, Observations } from "./read.ts";
import { removeSuperseded } from "./superseded.ts";
import { updateUntilEqual } from "./update.ts";
import type { Observed, Wish } from "./wish.ts";
import type { Work } from "./work.ts";

export interface ConvergeOptions<Inputs = unknown> {
  readonly ctx: WriteContext;
  readonly wishes: readonly Wish<Inputs>[];
  readonly found: Observations<Inputs>;
  /** What the stack is made from besides. */
  readonly inputs: Inputs;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly identify: Identify;
  readonly progress: Progress;
  /** How long to look for what a create may have made whose reply got lost. */
  readonly patienceMs?: number;
  /** Puts what a step failed with into the words of a user; `what` and `resource` are the step's name. */
  readonly explain?: (error: unknown, what: string, resource: string) => unknown;
}

const parallel = 8;

/**
 * Makes every step of the plan true. One flow for every starting point: absent? create and note the id; then
 * differences, update, and look again until nothing is left. What was replaced is removed last, in reverse order.
 * Returns how everything was last seen.
 */
export async function converge<Inputs>(options: ConvergeOptions<Inputs>): Promise<Observations<Inputs>> {
  const { journal, plan, wishes, inputs } = options;
  const found = new Map(options.found);
  const steps = new Map(plan.steps.map((step) => [step.name, step]));
  noteIntent(options);
  await journal.flush();

  const needed = (name: string) => {
    const facts = found.get(name)?.facts;
    if (facts === undefined) throw new TypeError(`${name} isn't there yet`);
    return { id: facts.id, facts };
  };
  const work = { ...options, world: { needed, inputs } };
  try {
    await runGraph(
      wishes,
      async (wish) => {
        const step = steps.get(wish.name);
        const observed = found.get(wish.name);
        if (step !== undefined) found.set(wish.name, await perform(wish, step, work));
        else if (observed !== undefined) noteId(journal, wish, observed.facts.id);
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
  wish: Wish<Inputs>,
  step: Step,
  work: ConvergeOptions<Inputs> & Work<Inputs>,
): Promise<Observed<Inputs>> {
  const note = work.progress.begin(wish.name, step.action);
  const own = { ...work, ctx: { ...work.ctx, note } };
  try {
    const observed = step.action === "update" ? work.found.get(wish.name) : await createAndFind(wish, own);
    if (observed === undefined) throw new TypeError(`${wish.name} is to be updated but was not found`);
    const equal = await updateUntilEqual(wish, observed, own);
    work.progress.end(wish.name, step.action, equal.facts.id);
    return equal;
  } catch (error) {
    work.progress.fail(wish.name, step.action);
    throw work.explain?.(error, wish.name, wish.name) ?? error;
  }
}
