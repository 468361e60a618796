import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { BerthError } from "../lib/errors.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

export interface Outcome {
  /** Exit code; 130 when a signal ended it, 127 when there is no such command. */
  readonly code: number;
  readonly stdout: string;
  /** Lines of stdout and stderr as they came, without empty ones. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly cwd?: string;
  /** Laid over this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the child when it has written nothing at all for so long after its start. */
  readonly firstOutputWithinMs?: number;
}

/** Runs a command to its end, whatever that is, and keeps what it says. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { firstOutputWithinMs } = options;
  const impatience =
    firstOutputWithinMs === undefined ? undefined : setTimeout(() => child.kill(), firstOutputWithinMs);
  let stdout = "";
  let all = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      clearTimeout(impatience);
      all += text;
    });
  }
  const code = await exitCode(child).finally(() => clearTimeout(impatience));
  return { code, stdout, lines: all.split("\n").filter((line) => line.trim() !== "") };
}

async function exitCode(child: ChildProcess): Promise<number> {
  try {
    const [code]: (number | null)[] = await once(child, "close");
    return code ?? 130;
  } catch (error) {
    if (isSystemFailure(error, "absent")) return 127;
    throw error;
  }
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
