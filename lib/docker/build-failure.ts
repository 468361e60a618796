import { stripVTControlCharacters } from "node:util";
import { BerthError } from "../errors.ts";
import { hideSecrets } from "./build-secrets.ts";

export const keptLines = 20;

export interface BuildFailure {
  /** `step 4/6 RUN go build in stage build`; absent when no step had begun. */
  readonly step?: string | undefined;
  /** What the failing step wrote. */
  readonly output: readonly string[];
  /** The engine's own words. */
  readonly reason: string;
  readonly hint?: string | undefined;
  readonly secrets: ReadonlyMap<string, Buffer>;
  readonly cause?: unknown;
}

export function buildFailed({ step, output, reason, hint, secrets, cause }: BuildFailure): BerthError {
  return new BerthError({
    code: "BuildFailed",
    message:
      step === undefined ? "The image could not be built" : `The image could not be built: ${step} failed`,
    hint: hint ?? "nothing in AWS was touched. Correct the app or its Dockerfile and run the command again",
    detail: [...output, reason].slice(-keptLines).map((line) => hideSecrets(line, secrets)),
    cause,
  });
}

/** The lines of what a build wrote, without colours and empty lines. */
export function linesOf(text: string): string[] {
  return stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "");
}

/** A step's name in a line. */
export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 100 ? line : `${line.slice(0, 99)}…`;
}
