import { explainAwsError } from "../aws/explanation.ts";
import { BerthError, exitCodes, unexpected } from "../errors.ts";
import { badArguments, type Flags, optionsOf, parseFlags, readWords } from "./flags.ts";
import { type Explained, helpText, operandsOf } from "./help.ts";
import { invocation } from "../invocation.ts";
import { findKept, refuseKept } from "../npm-options.ts";
import { createJsonReport } from "../report/json-report.ts";
import { type Report, type Summary, Tally } from "../report/report.ts";
import { printText, printVerbatim } from "../report/terminal.ts";
import { createTextReport } from "../report/text-report.ts";
import { openSession, type Session } from "./session.ts";

export interface CommandSpec extends Explained {
  /** False if the command doesn't need the app's source folder. */
  readonly usesSource?: boolean;
  /** Whether it goes on until somebody ends it, so that Ctrl-C is nothing to tell of. */
  readonly isEndless?: (flags: Flags) => boolean;
  readonly run: (session: Session, interrupt: Interrupt) => Promise<Outcome>;
}

/** What Ctrl-C does while a command runs. */
export interface Interrupt {
  /** From here on, the command handles signals itself. */
  readonly stop: () => void;
}

/** A command that prints a text, and needs neither configuration nor AWS for it. */
export interface TextSpec extends Omit<Explained, "operands"> {
  readonly text: () => string;
}

/** A script with several subcommands. The first word after the script's name chooses one. */
export interface CommandGroup extends Pick<CommandSpec, "name" | "summary"> {
  readonly commands: readonly (CommandSpec | TextSpec)[];
}

export interface Outcome {
  readonly outcome: Summary["outcome"];
  /** One of ours, or that of a program which the command hands over to. */
  readonly exitCode: number;
  readonly url?: string | undefined;
  readonly left?: Summary["left"];
}

/** Runs a command, from the process's arguments to its exit code. Errors are printed only here. */
export async function runCommand(asked: CommandSpec | CommandGroup): Promise<void> {
  const spec = chooseCommand(asked);
  const tally = new Tally();
  const wantsJson = process.argv.includes("--json");
  const report = wantsJson ? createJsonReport(tally) : createTextReport(tally);
  const interrupt = listenForInterrupt(report);
  let outcome: Outcome;
  try {
    askNpm(spec.name, report);
    const flags = parseFlags(spec.name, "run" in spec ? operandsOf(spec).length : 0);
    if (flags === "help") {
      printText(helpText(spec));
      return;
    }
    if ("commands" in spec) throw badArguments("it isn't said which command", spec.name);
    if ("text" in spec) {
      printVerbatim(spec.text());
      return;
    }
    if (spec.isEndless?.(flags) === true) interrupt.expect();
    await using session = await openSession({
      ...spec,
      usesSource: spec.usesSource ?? true,
      flags,
      report,
      tally,
      signal: interrupt.signal,
    });
    outcome = await spec.run(session, interrupt);
  } catch (error) {
    const shown = asBerthError(error, spec.name, interrupt.signal);
    if (!isInterrupted(shown) || !interrupt.isExpected()) report.error(shown);
    outcome = { outcome: isInterrupted(shown) ? "interrupted" : "failed", exitCode: shown.exitCode };
  } finally {
    interrupt.stop();
  }
  const { exitCode, ...rest } = outcome;
  const durationMs = Math.round(performance.now() - tally.startedMs);
  report.summary({
    command: spec.name,
    ...rest,
    changes: tally.changes,
    calls: tally.countCalls(),
    durationMs,
  });
  report.close();
  process.exitCode = exitCode;
}

/** Refuses to go on without an option that npm kept, if the command would otherwise do something else. */
function askNpm(command: string, report: Report): void {
  const args = process.argv.slice(2);
  const [script = ""] = command.split(" ");
  const kept = findKept(
    script,
    optionsOf(command).map(([name]) => name),
    args,
  );
  refuseKept(script, kept, args);
  if (kept.maybe.length === 0) return;
  const meant = invocation(script, ...args, ...kept.maybe);
  report.message(`npm kept ${kept.maybe.join(" and ")} for itself; if the command should get it: ${meant}`);
}

/** The chosen subcommand, or the group itself if the word is missing or unknown. */
function chooseCommand(asked: CommandSpec | CommandGroup): CommandSpec | TextSpec | CommandGroup {
  if (!("commands" in asked)) return asked;
  const [word] = readWords();
  return asked.commands.find(({ name }) => name === `${asked.name} ${word}`) ?? asked;
}

/** The first Ctrl-C lets the current step finish; the second one exits at once. */
function listenForInterrupt(report: Report) {
  const controller = new AbortController();
  let isExpected = false;
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    if (!isExpected)
      report.message(
        "stopping: the step in hand ends first; press Ctrl-C again to leave at once. A host goes on with what is published",
      );
    controller.abort(
      new BerthError({
        code: "Interrupted",
        message: "stopped by the user; state is saved",
        hint: "the same command goes on from here",
        exitCode: exitCodes.interrupted,
      }),
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    /** From here on, nothing is said of it. */
    expect: () => {
      isExpected = true;
    },
    isExpected: () => isExpected,
    stop: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}

function asBerthError(error: unknown, command: string, signal: AbortSignal): BerthError {
  if (signal.aborted && signal.reason instanceof BerthError && isAbort(error)) return signal.reason;
  const explained = explainAwsError(error, command);
  return explained instanceof BerthError ? explained : unexpected(explained);
}

const isInterrupted = ({ exitCode }: BerthError): boolean => exitCode === exitCodes.interrupted;

const isAbort = (error: unknown): boolean =>
  error instanceof BerthError
    ? error.code === "Interrupted"
    : error instanceof Error && error.name === "AbortError";
