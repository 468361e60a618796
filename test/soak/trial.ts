import { openBench } from "../crash/bench.ts";
import { describeOperation } from "./description.ts";
import { Life, NotConverged } from "./life.ts";
import { drawOperations, type Operation } from "./operations.ts";

export interface TrialOptions {
  readonly seed: number;
  readonly operations: number;
  /** The script that `bundleRunner` made. */
  readonly script: string;
  readonly signal?: AbortSignal;
  readonly onDone?: (done: Done) => void;
}

/** An operation after which everything was as desired. */
export interface Done {
  readonly seed: number;
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly durationMs: number;
}

export interface Outcome {
  readonly seed: number;
  readonly operations: number;
  readonly converged: number;
  readonly orphans: number;
  readonly duplicates: number;
  /** What was left after the last `down`; absent when it didn't come to that. */
  readonly census?: number;
  readonly durationMs: number;
  /** The failure; absent when everything converged. */
  readonly failure?: Failure;
}

export interface Failure {
  /** From 1; 0 for the first `up`, one more than there are for the last `down`. */
  readonly number: number;
  readonly message: string;
  /** One line for each operation; the last one is the one that failed. */
  readonly operations: readonly string[];
  /** How each run of the one that failed ended, and its last events. */
  readonly runs: readonly string[];
}

/**
 * Runs one seed: brings up a stack, applies all operations, and takes it down. Returns at the first operation that
 * doesn't converge.
 */
export async function runTrial(options: TrialOptions): Promise<Outcome> {
  const { seed, script, signal } = options;
  const startedMs = performance.now();
  const operations = drawOperations(seed, options.operations);
  await using bench = await openBench(script, { stack: `soak-${seed}`, seed });
  const life = new Life(bench);
  let number = 0;
  const outcome = () => ({ seed, operations: operations.length, durationMs: performance.now() - startedMs });
  try {
    await life.begin();
    for (const operation of operations) {
      signal?.throwIfAborted();
      number += 1;
      const beganMs = performance.now();
      await life.perform(operation);
      options.onDone?.({
        seed,
        number,
        text: lineOf(life, operation),
        durationMs: performance.now() - beganMs,
      });
    }
    number += 1;
    await life.end();
    return { ...outcome(), converged: operations.length, orphans: 0, duplicates: 0, census: 0 };
  } catch (error) {
    signal?.throwIfAborted();
    const { orphans, duplicates } = error instanceof NotConverged ? error.findings : nothing;
    const failure = {
      number,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      operations: operations.slice(0, number).map(describeOperation),
      runs: runsOf(life),
    };
    const converged = Math.max(0, number - 1);
    return { ...outcome(), converged, orphans: orphans.length, duplicates: duplicates.length, failure };
  }
}

const nothing = { orphans: [], duplicates: [] };

/** What was drawn, and what of it came true. */
function lineOf(life: Life, operation: Operation): string {
  const met = life.ran.flatMap(({ disturbance }) => disturbance ?? []);
  return [describeOperation(operation), ...met.map((one) => `[${one}]`)].join(" ");
}

const lastLines = 12;

function runsOf({ ran }: Life): string[] {
  return ran.map(({ command, exitCode, disturbance, lines }) =>
    [
      `${command}: ${disturbance ?? `exit ${exitCode}`}`,
      ...lines.slice(-lastLines).map((line) => `  ${line}`),
    ].join("\n"),
  );
}
