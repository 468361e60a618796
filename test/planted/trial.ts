import { spawn } from "node:child_process";
import { once } from "node:events";
import { needsEngine } from "../../setup/tests/test-selection.ts";
import type { Fault } from "./fault.ts";
import { openTreeCopy, type TreeCopy } from "./tree-copy.ts";

/**
 * `noticed`: a named test turned red. `survived`: all stayed green. `stale`: the patch doesn't fit the tree, or breaks its syntax. `red`: a named
 * test is red without the fault, so it says nothing.
 */
export type Verdict = "noticed" | "survived" | "stale" | "red";

export interface Result {
  readonly fault: Fault;
  readonly verdict: Verdict;
  readonly durationMs: number;
}

export interface TrialOptions {
  readonly root: string;
  readonly faults: readonly Fault[];
  /** How many copies of the tree are used at once. */
  readonly workers: number;
  /** Once aborted, no further test is run. */
  readonly signal: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onResult?: (result: Result) => void;
}

/** Plants each fault alone and runs its tests. Those that need an engine come last, one at a time. */
export async function tryFaults(options: TrialOptions): Promise<Result[]> {
  const tests = [...new Set(options.faults.flatMap((fault) => fault.tests))].toSorted();
  const red = new Set<string>();
  await shareOut(tests, options, async (copy, test) => {
    if (!(await isGreen(copy, [test], options))) red.add(test);
  });
  const results: Result[] = [];
  await shareOut(options.faults, options, async (copy, fault) => {
    const startedMs = performance.now();
    const verdict = fault.tests.some((test) => red.has(test)) ? "red" : await tryFault(copy, fault, options);
    const result = { fault, verdict, durationMs: performance.now() - startedMs };
    results.push(result);
    options.onResult?.(result);
  });
  return results.toSorted((one, other) => one.fault.path.localeCompare(other.fault.path));
}

async function tryFault(copy: TreeCopy, fault: Fault, options: TrialOptions): Promise<Verdict> {
  try {
    if (!(await copy.plant(fault))) return "stale";
    return (await isGreen(copy, fault.tests, options, fault)) ? "survived" : "noticed";
  } finally {
    await copy.restore();
  }
}

/** Tests that need an engine would disturb each other, so they run one at a time. All others run in parallel. */
async function shareOut<T extends string | Fault>(
  items: readonly T[],
  { root, workers, signal }: TrialOptions,
  work: (copy: TreeCopy, item: T) => Promise<void>,
): Promise<void> {
  const isEngine = (item: T) => (typeof item === "string" ? needsEngine(item) : item.tests.some(needsEngine));
  await shareAmong(
    workers,
    items.filter((item) => !isEngine(item)),
  );
  await shareAmong(1, items.filter(isEngine));

  async function shareAmong(count: number, some: readonly T[]): Promise<void> {
    const left = [...some];
    await Promise.all(Array.from({ length: Math.min(count, left.length) }, workOff));

    async function workOff(): Promise<void> {
      await using copy = await openTreeCopy(root);
      for (let item = left.shift(); item !== undefined && !signal.aborted; item = left.shift())
        await work(copy, item);
    }
  }
}

// A fault may make a test wait for ever. No test that is run from its sources takes as long as this.
const hangMs = 240_000;

/** Runs the tests in the copy, from their sources. One that needs an engine is run as `npm test` does, with all set-up. */
async function isGreen(
  { path }: TreeCopy,
  tests: readonly string[],
  { environment }: TrialOptions,
  fault?: Fault,
): Promise<boolean> {
  const direct = ["--import", "tsx", "--test", `--test-timeout=${String(hangMs)}`];
  const args = tests.some(needsEngine) ? ["bin/berth.mjs", "test"] : direct;
  // Emulators that were started without the fault can't show a fault in the emulators.
  const isBorrowing = fault?.changes.some((file) => file.startsWith("lib/local/")) !== true;
  const child = spawn(process.execPath, [...args, ...tests], {
    cwd: path,
    env: { ...withoutTestRunner(), ...(isBorrowing ? environment : {}) },
    stdio: "ignore",
    detached: true,
  });
  const impatience = setTimeout(() => endGroup(child.pid), 4 * hangMs);
  const [code]: (number | null)[] = await once(child, "close").finally(() => clearTimeout(impatience));
  return code === 0;
}

function endGroup(pid: number | undefined): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

/** Node's test runner tells its children by the environment that they are its children; these aren't. */
function withoutTestRunner(): NodeJS.ProcessEnv {
  const foreign = /^(NODE_TEST_CONTEXT|BERTH_BUNDLE|BERTH_EMULATORS|BERTH_SUPERVISOR)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
