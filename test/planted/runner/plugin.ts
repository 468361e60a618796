import { register } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { INSTRUMENTER_CONSTANTS, type InstrumenterContext } from "@stryker-mutator/api/core";
import { commonTokens, declareClassPlugin, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
} from "@stryker-mutator/api/test-runner";
import { fromRoot } from "../../../lib/paths.ts";
import { optionsSchema } from "./options.ts";
import { ShareChecker } from "./share.ts";
import { attempt, type Idle, lookIdle, TooLong } from "./attempt.ts";
import { endAll, forgetTrials, gather, gathered, type Trial } from "./node-test.ts";

/** Loaded modules are never freed, so another process takes over after this number of loads. */
const mostLoads = 60;

/** The longest test takes three seconds on an idle machine. */
const longestMs = 20_000;

/** Runs the tests of `node:test` in one process. For a change of what a module does when it is loaded, all are loaded anew. */
class NodeTestRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options);
  readonly #files: readonly string[];
  /** Read by the code that Stryker has changed: which change is active, which test runs. Written by it: what was reached. */
  readonly #shared: InstrumenterContext = {};
  #idle: Idle = new Map();
  #loads = 0;
  #isFresh = true;
  #isDirty = false;

  constructor(options: unknown) {
    this.#files = optionsSchema.parse(options).nodeTest.files;
  }

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    Object.defineProperty(globalThis, INSTRUMENTER_CONSTANTS.NAMESPACE, { value: this.#shared });
    register(pathToFileURL(fromRoot("test/planted/runner/resolve-hook.mjs")));
    this.#idle = await lookIdle();
  }

  /** Imports the tests, and with them all that isn't a package; what was loaded before stays in memory. */
  async #load(): Promise<void> {
    this.#loads += 1;
    forgetTrials();
    for (const file of this.#files) {
      const { href } = pathToFileURL(resolve(file));
      await gather(file, () => import(`${href}?load=${this.#loads}`));
    }
  }

  async dryRun(): Promise<DryRunResult> {
    await this.#load();
    const tests: TestResult[] = [];
    for (const trial of gathered()) {
      this.#shared.currentTestId = trial.id;
      tests.push(await this.#measure(trial));
    }
    delete this.#shared.currentTestId;
    const { mutantCoverage = { static: {}, perTest: {} } } = this.#shared;
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  async #measure(trial: Trial): Promise<TestResult> {
    const startedMs = performance.now();
    const failure = await attempt(trial, this.#idle);
    const timeSpentMs = performance.now() - startedMs;
    const result = { id: trial.id, name: trial.id, fileName: resolve(trial.file), timeSpentMs };
    if (failure === undefined) return { ...result, status: TestStatus.Success };
    return { ...result, status: TestStatus.Failed, failureMessage: wordsOf(failure) };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, hitLimit, mutantActivation, reloadEnvironment, testFilter, timeout } = options;
    // Stryker's own limit is for all tests together. It is the longer, the longer they took without a change.
    const limitMs = Math.max(longestMs, timeout / 2);
    // Stryker starts another process and runs the mutant there.
    if (this.#isDirty)
      throw new Error(
        "this process is used up: an earlier change left something behind, or it has loaded too much",
      );
    const isStatic = mutantActivation === "static";
    if (isStatic) this.#activate(activeMutant.id, hitLimit);
    try {
      if (this.#loads === 0 || reloadEnvironment) await this.#load();
    } catch (error) {
      this.#isDirty = true;
      if (!isStatic) throw error;
      return { status: MutantRunStatus.Killed, killedBy: [], failureMessage: wordsOf(error), nrOfTests: 0 };
    }
    const trials = gathered().filter(({ id }) => testFilter?.includes(id) ?? true);
    try {
      for (const trial of trials) {
        this.#activate(activeMutant.id, hitLimit);
        const failure = await attempt(trial, this.#idle, limitMs);
        const tooOften = determineHitLimitReached(this.#shared.hitCount, hitLimit);
        if (tooOften !== undefined) return { status: MutantRunStatus.Timeout, reason: tooOften.reason ?? "" };
        if (failure instanceof TooLong) {
          // The test may still be running.
          this.#isDirty = true;
          return { status: MutantRunStatus.Timeout, reason: failure.message };
        }
        if (failure === undefined || (!isStatic && !(await this.#isByMutant(trial, options)))) continue;
        return {
          status: MutantRunStatus.Killed,
          killedBy: [trial.id],
          failureMessage: wordsOf(failure),
          nrOfTests: trials.length,
        };
      }
      return { status: MutantRunStatus.Survived, nrOfTests: trials.length };
    } finally {
      this.#activate(undefined, undefined);
      this.#isFresh = false;
      if (this.#loads >= mostLoads) this.#isDirty = true;
    }
  }

  #activate(id: string | undefined, hitLimit: number | undefined): void {
    Object.assign(this.#shared, { activeMutant: id, hitLimit, hitCount: 0 });
  }

  /** The same test is green without the change and red again with it. Else it was red by what another change had left behind. */
  async #isByMutant(trial: Trial, { activeMutant, hitLimit }: MutantRunOptions): Promise<boolean> {
    this.#activate(undefined, undefined);
    if ((await attempt(trial, this.#idle)) !== undefined) {
      this.#isDirty = true;
      if (this.#isFresh) return true;
      throw new Error(`${trial.id} is red without a change too`);
    }
    this.#activate(activeMutant.id, hitLimit);
    return (await attempt(trial, this.#idle, longestMs)) !== undefined;
  }

  async dispose(): Promise<void> {
    await endAll();
  }
}

const wordsOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, "node-test", NodeTestRunner),
  declareClassPlugin(PluginKind.Checker, "share", ShareChecker),
];
export const strykerValidationSchema = {
  properties: {
    nodeTest: {
      type: "object",
      properties: { files: { type: "array" }, oneOf: { type: "number" } },
    },
  },
};
