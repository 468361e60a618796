import { BerthError, exitCodes, unexpected } from "../lib/errors.ts";
import { Tally } from "../lib/report/report.ts";
import { printText } from "../lib/report/terminal.ts";
import { createTextReport } from "../lib/report/text-report.ts";
import { phasesOnStderr, type Phases } from "./phases.ts";

/** One of the commands that do all set-up first. */
export interface TargetSpec {
  readonly help: string;
  /** Does the work and returns the exit code of the command. */
  readonly run: (args: readonly string[], phases: Phases, signal: AbortSignal) => Promise<number>;
}

/** Runs a target from the process's arguments to its exit code; its errors look like those of every other command. */
export async function runTarget(spec: TargetSpec): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    printText(spec.help);
    return;
  }
  // Ctrl-C reaches the children as well; they end, and with them the step in hand.
  const interrupt = new AbortController();
  process.on("SIGINT", () => interrupt.abort());
  try {
    const code = await spec.run(args, phasesOnStderr(), interrupt.signal);
    process.exitCode = interrupt.signal.aborted ? exitCodes.interrupted : code;
  } catch (error) {
    const known = error instanceof BerthError ? error : unexpected(error);
    const shown = interrupt.signal.aborted ? stopped(error) : known;
    const report = createTextReport(new Tally());
    report.error(shown);
    report.close();
    process.exitCode = shown.exitCode;
  }
}

function stopped(cause: unknown): BerthError {
  return new BerthError({
    code: "Interrupted",
    message: "stopped by the user",
    hint: "the same command goes on from here",
    exitCode: exitCodes.interrupted,
    cause,
  });
}
