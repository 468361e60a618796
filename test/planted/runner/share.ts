import { createHash } from "node:crypto";
import { basename } from "node:path";
import { type Checker, type CheckResult, CheckStatus } from "@stryker-mutator/api/check";
import type { Mutant } from "@stryker-mutator/api/core";
import { commonTokens, tokens } from "@stryker-mutator/api/plugin";
import { optionsSchema } from "./options.ts";

/** Lets through one change of so many: always the same ones, as long as their lines stay where they are. */
export class ShareChecker implements Checker {
  static readonly inject = tokens(commonTokens.options);
  readonly #oneOf: number;

  constructor(options: unknown) {
    this.#oneOf = optionsSchema.parse(options).nodeTest.oneOf;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  check(mutants: Mutant[]): Promise<Record<string, CheckResult>> {
    return Promise.resolve(Object.fromEntries(mutants.map((mutant) => [mutant.id, this.#verdictOn(mutant)])));
  }

  #verdictOn({ fileName, location, replacement }: Mutant): CheckResult {
    const { line, column } = location.start;
    const hash = createHash("sha256")
      .update(`${basename(fileName)} ${line} ${column} ${replacement}`)
      .digest();
    if (hash.readUInt32BE() % this.#oneOf === 0) return { status: CheckStatus.Passed };
    return { status: CheckStatus.CompileError, reason: "not in the share that is tried" };
  }
}
