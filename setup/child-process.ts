import { execa } from "execa";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

export interface ProcessResult {
  /** The exit code; 130 when a signal ended the command, 127 when there is no such command. */
  readonly code: number;
  readonly stdout: string;
  /** The lines of stdout and stderr in order of arrival, without empty ones. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the child when it has written nothing at all within this time after its start. */
  readonly firstOutputWithinMs?: number;
}

/** Runs a command to its end and returns its output, whether or not it succeeds. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, environment, firstOutputWithinMs }: RunOptions = {},
): Promise<ProcessResult> {
  const child = execa(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(environment === undefined ? {} : { env: { ...environment } }),
    stdin: "ignore",
    all: true,
    reject: false,
    stripFinalNewline: false,
  });
  const impatience =
    firstOutputWithinMs === undefined ? undefined : setTimeout(() => child.kill(), firstOutputWithinMs);
  child.all.once("data", () => clearTimeout(impatience));
  const result = await child.finally(() => clearTimeout(impatience));
  return {
    code: codeOf(result),
    stdout: result.stdout,
    lines: result.all.split("\n").filter((line) => line.trim() !== ""),
  };
}

/**
 * Runs a command on this process's own terminal and returns its exit code. SIGTERM is passed on, so that the command
 * can end properly; Ctrl-C reaches it anyway.
 */
export async function runOnTerminal(
  command: string,
  args: readonly string[],
  { cwd, environment }: Pick<RunOptions, "cwd" | "environment">,
): Promise<number> {
  const child = execa(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(environment === undefined ? {} : { env: { ...environment } }),
    stdio: "inherit",
    reject: false,
    // The command may take as long as it needs to finish its current step.
    forceKillAfterDelay: false,
  });
  const forward = () => void child.kill("SIGTERM");
  process.once("SIGTERM", forward);
  const result = await child.finally(() => process.off("SIGTERM", forward));
  return codeOf(result);
}

interface Ended {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** The error when the command could not be started. */
  readonly cause?: unknown;
}

function codeOf(result: Ended): number {
  if (result.exitCode !== undefined) return result.exitCode;
  if (result.signal !== undefined) return exitCodes.interrupted;
  if (isSystemFailure(result.cause, "absent")) return 127;
  throw result.cause;
}

/**
 * Runs a command that has to succeed and returns its stdout.
 *
 * @throws BerthError `SetupFailed` with the tail of its output
 */
export async function runOrFail(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly what: string; readonly hint?: string },
): Promise<string> {
  const outcome = await run(command, args, options);
  if (outcome.code === 0) return outcome.stdout;
  throw new BerthError({
    code: "SetupFailed",
    message: `${options.what} failed: \`${command} ${args[0] ?? ""}\` ended with exit code ${String(outcome.code)}`,
    ...(options.hint === undefined ? {} : { hint: options.hint }),
    detail: outcome.lines.slice(-20),
  });
}
