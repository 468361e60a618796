import { BerthError, exitCodes } from "../../lib/errors.ts";

/** What was refused or replaced to make a file safe to run beside the user's own cluster. */
export class Findings {
  readonly #problems: string[] = [];
  readonly #replaced = new Set<string>();

  /** Refuses something that would reach beyond the test and can't be replaced. `place` is a path inside the file. */
  refuse(place: string, reason: string, advice: string): void {
    this.#problems.push(`${place}: ${reason}; ${advice}`);
  }

  /** Notes something of the user's that the test replaces with its own. */
  replace(place: string, by: string): void {
    this.#replaced.add(`${place}: ${by}`);
  }

  get replaced(): readonly string[] {
    return [...this.#replaced];
  }

  /** Throws `NotIsolated`, which names everything that was refused, if anything was. */
  throwProblems(path: string): void {
    if (this.#problems.length === 0) return;
    throw new BerthError({
      code: "NotIsolated",
      message: `${path} can't be tried without touching what isn't the test's own; nothing was started`,
      hint: "name a copy without these with --file, or check the cluster that runs: npm run smoke -- --running",
      detail: this.#problems,
      exitCode: exitCodes.badInput,
    });
  }
}
