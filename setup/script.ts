import { BerthError, exitCodes, unexpected } from "../lib/errors.ts";
import { findKept, refuseKept } from "../lib/npm-options.ts";
import { Tally } from "../lib/report/report.ts";
import { printText } from "../lib/report/terminal.ts";
import { createTextReport } from "../lib/report/text-report.ts";
import { phasesOnStderr, type Phases } from "./phases.ts";

/** A script for developers of Berth. All scripts start and end in the same way. */
export interface Script<Asked> {
  /** The command line before its options: `npm run soak --`. */
  readonly invocation: string;
  readonly help: string;
  /** Reads the arguments. What it throws is shown as a bad argument. */
  readonly parse: (args: readonly string[]) => Asked;
  /** Returns the exit code. */
  readonly run: (asked: Asked, context: ScriptContext) => Promise<number>;
  /** Shows the error that ends the script. Default: on stderr, as every command does. */
  readonly showError?: (error: BerthError) => void;
}

export interface ScriptContext {
  readonly phases: Phases;
  /**
   * Aborted by Ctrl-C, which also reaches child processes: they end, and with them the current step. A second Ctrl-C
   * ends the script at once. SIGTERM does the same as Ctrl-C.
   */
  readonly signal: AbortSignal;
}

/** Runs a script, from the process's arguments to its exit code. Errors are shown as for every command. */
export async function runScript<Asked>(script: Script<Asked>): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    printText(script.help);
    return;
  }
  const signal = listenForInterrupt();
  try {
    askNpm(script, args);
    const asked = parse(script, args);
    const code = await script.run(asked, { phases: phasesOnStderr(), signal });
    process.exitCode = signal.aborted ? exitCodes.interrupted : code;
  } catch (error) {
    const shown = asBerthError(error, signal);
    (script.showError ?? showOnStderr)(shown);
    process.exitCode = shown.exitCode;
  }
}

function showOnStderr(error: BerthError): void {
  const report = createTextReport(new Tally());
  report.error(error);
  report.close();
}

/** Reads a number for `parse`, from an option or from an argument that the help calls `name`. */
export function parseCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new TypeError(`${name} takes a number from 1, not "${text}"`);
}

/** Refuses to go on without an option that npm kept. The help names all that there are. */
function askNpm(
  { invocation, help }: Pick<Script<unknown>, "invocation" | "help">,
  args: readonly string[],
): void {
  const name = /^npm (?:run )?(\S+)/.exec(invocation)?.[1] ?? "";
  const names = new Set([...help.matchAll(/--([a-z][a-z-]*)/g)].flatMap(([, option]) => option ?? []));
  refuseKept(name, findKept(name, [...names], args), args);
}

function parse<Asked>(script: Script<Asked>, args: readonly string[]): Asked {
  try {
    return script.parse(args);
  } catch (cause) {
    throw new BerthError({
      code: "BadArguments",
      message: cause instanceof Error ? cause.message : String(cause),
      hint: `${script.invocation} --help lists what can be chosen`,
      exitCode: exitCodes.badInput,
      cause,
    });
  }
}

function listenForInterrupt(): AbortSignal {
  const interrupt = new AbortController();
  const stop = () => {
    if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
    interrupt.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return interrupt.signal;
}

function asBerthError(error: unknown, signal: AbortSignal): BerthError {
  if (!signal.aborted) return error instanceof BerthError ? error : unexpected(error);
  return new BerthError({
    code: "Interrupted",
    message: "stopped by the user",
    hint: "the same command goes on from here",
    exitCode: exitCodes.interrupted,
    cause: error,
  });
}
