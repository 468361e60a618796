import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBench, type Bench } from "./bench.ts";
import { bundleRunner } from "./bundle.ts";
import { describePoint, pointsOf, type CrashPoint } from "./points.ts";
import { first, last, middles, type Scenario } from "./scenarios.ts";
import { finish, isGood, record, runToEnd, tryPoint, type Findings, type Undisturbed } from "./trial.ts";

export interface Result extends Findings {
  /** The text of `describePoint`. */
  readonly point: string;
  /** `missed`: the run to be killed didn't reach the point. */
  readonly verdict: "converged" | "failed" | "missed";
  readonly durationMs: number;
}

export interface MatrixOptions {
  /** How many points are tried at once, each in a separate AWS. */
  readonly benches: number;
  /** Selects and orders the points to try. All when absent. */
  readonly choose?: (points: readonly CrashPoint[]) => readonly CrashPoint[];
  /** Once aborted, no further life begins. */
  readonly signal?: AbortSignal;
  readonly onStart?: (points: number) => void;
  readonly onResult?: (result: Result) => void;
}

// A lease this long is renewed only after three minutes of real time. Only the run that tests the renewal gets there.
const leaseSeconds = 9_000;

// A stack begins where one of its name has been, and the emulators don't become slow from all that they remember.
const livesTogether = 4;

/** Finds every point by running each scenario undisturbed, then tries all points. */
export async function runMatrix(options: MatrixOptions): Promise<Result[]> {
  const directory = await mkdtemp(join(tmpdir(), "berth-crash-"));
  const benches = await openAll(options.benches, await bundleRunner(directory));
  try {
    const undisturbed = await recordAll(benches);
    const all = [first, ...middles, last].flatMap((one) => pointsOf(one, known(undisturbed, one).writes));
    const points = options.choose?.(all) ?? all;
    options.onStart?.(points.length);
    const { onResult = () => undefined, signal } = options;
    const matrix = new Matrix({ undisturbed, points, onResult, signal });
    await Promise.all(benches.map((bench) => matrix.work(bench)));
    return points.flatMap((point) => matrix.results.get(point) ?? []);
  } finally {
    await Promise.all(benches.map((bench) => bench[Symbol.asyncDispose]()));
    await rm(directory, { recursive: true, force: true });
  }
}

type Records = ReadonlyMap<Scenario, Undisturbed>;

interface Work {
  readonly undisturbed: Records;
  readonly points: readonly CrashPoint[];
  readonly signal: AbortSignal | undefined;
  readonly onResult: (result: Result) => void;
}

/**
 * Tries points during whole lives of a stack: it is created, perhaps changed, and destroyed. Each of these runs is
 * killed at a point as long as there are untried ones, so no point needs a stack of its own.
 */
class Matrix {
  readonly results = new Map<CrashPoint, Result>();
  readonly #work: Work;
  readonly #waiting: CrashPoint[];

  constructor(work: Work) {
    this.#work = work;
    this.#waiting = [...work.points];
  }

  async work(bench: Bench): Promise<void> {
    for (let lives = 1; this.#waiting.length > 0 && this.#work.signal?.aborted !== true; lives += 1) {
      const lived = new Map<CrashPoint, Result>();
      const isWhole = await this.#live(bench, lived);
      if (!isWhole || lives % livesTogether === 0) await bench.reset();
      for (const [point, result] of lived) {
        this.results.set(point, result);
        this.#work.onResult(result);
      }
    }
  }

  /** Runs one life, and kills each of its runs at an untried point if there is one. False when it ended early. */
  async #live(bench: Bench, lived: Map<CrashPoint, Result>): Promise<boolean> {
    if (!(await this.#step(bench, first, this.#take([first]), lived))) return false;
    const middle = this.#take(middles);
    const before = middle?.scenario.after;
    if (before !== undefined && !(await this.#step(bench, before, undefined, lived))) return false;
    if (middle !== undefined && !(await this.#step(bench, middle.scenario, middle, lived))) return false;
    const end = middle?.scenario.leavesLess === true ? undefined : this.#take([last]);
    return this.#step(bench, last, end, lived);
  }

  /** Runs one command, and kills it at the point, if any. False when something is wrong afterwards. */
  async #step(
    bench: Bench,
    scenario: Scenario,
    point: CrashPoint | undefined,
    lived: Map<CrashPoint, Result>,
  ): Promise<boolean> {
    const startedMs = performance.now();
    const undisturbed = known(this.#work.undisturbed, scenario);
    if (point !== undefined) {
      const { isKilled, ...found } = await tryPoint(bench, point, undisturbed);
      const verdict = isGood(found) ? (isKilled ? "converged" : "missed") : "failed";
      const durationMs = performance.now() - startedMs;
      lived.set(point, { point: describePoint(point), verdict, durationMs, ...found });
      return verdict !== "failed";
    }
    const found = await finish(bench, scenario, undisturbed);
    // Whatever is wrong now was caused by an earlier killed run.
    for (const [earlier, result] of isGood(found) ? [] : lived) {
      lived.set(earlier, { ...result, verdict: "failed", ...found });
    }
    return isGood(found);
  }

  #take(of: readonly Scenario[]): CrashPoint | undefined {
    const index = this.#waiting.findIndex(({ scenario }) => of.includes(scenario));
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
  }
}

async function openAll(count: number, script: string): Promise<Bench[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, () => openBench(script, { leaseSeconds })),
  );
  const benches = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = opened.find((one) => one.status === "rejected");
  if (failed === undefined) return benches;
  await Promise.all(benches.map((bench) => bench[Symbol.asyncDispose]()));
  throw failed.reason;
}

/** Records one life for each middle scenario, with the first and the last run of one of them. */
async function recordAll(benches: readonly Bench[]): Promise<Records> {
  const recorded = new Map<Scenario, Undisturbed>();
  const waiting = [...middles];
  await Promise.all(
    benches.map(async (bench) => {
      for (let middle = waiting.shift(); middle !== undefined; middle = waiting.shift()) {
        recorded.set(first, await record(bench, first));
        if (middle.after !== undefined) await runToEnd(bench, middle.after);
        recorded.set(middle, await record(bench, middle));
        const end = await record(bench, last);
        if (middle.leavesLess !== true) recorded.set(last, end);
      }
    }),
  );
  return recorded;
}

function known(undisturbed: Records, scenario: Scenario): Undisturbed {
  const found = undisturbed.get(scenario);
  if (found === undefined) throw new TypeError(`${scenario.name} was not recorded`);
  return found;
}
