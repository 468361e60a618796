import { converge } from "../../lib/engine/converge.ts";
import { differences, type Plan } from "../../lib/engine/plan.ts";
import type { Progress } from "../../lib/engine/progress.ts";
import { type Identify, type Observations, readAll } from "../../lib/engine/read.ts";
import type { Declaration } from "../../lib/engine/declaration.ts";
import type { WriteContext } from "../../lib/contract/resource.ts";
import type { StateDocument } from "../../state/document.ts";
import type { Journal } from "../../state/journal.ts";

export const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };

export const identify: Identify = (name, generation, { lineage }) => ({
  stack: scope.stack,
  name,
  generation,
  lineage,
  tags: {},
});

export const silent: Progress = { begin: () => () => {}, end: () => {}, fail: () => {} };

interface Read {
  readonly observations: Observations;
  readonly plan: Plan;
}

/** Reads everything and makes a plan. */
export async function readRun(
  ctx: WriteContext,
  declarations: readonly Declaration[],
  document: StateDocument,
): Promise<Read> {
  const observations = await readAll({ ctx, declarations, document, identify });
  return { observations, plan: differences({ declarations, observations, document, inputs: undefined }) };
}

interface Run extends Read {
  readonly ctx: WriteContext;
  readonly declarations: readonly Declaration[];
  readonly journal: Journal;
  readonly progress: Progress;
  readonly patienceMs: number;
  readonly explain?: (error: unknown, what: string) => unknown;
}

/** Carries out the plan. */
export const convergeRun = (run: Run) => converge({ ...run, inputs: undefined, identify });
