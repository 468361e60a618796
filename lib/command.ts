import { parseArgs } from "node:util";
import { closest, distance } from "fastest-levenshtein";
import { explainAwsError } from "./aws/explanation.ts";
import { BerthError, type ExitCode, exitCodes } from "./errors.ts";
import { createJsonReport } from "./report/json-report.ts";
import { type Report, type Summary, Tally } from "./report/report.ts";
import { createTextReport } from "./report/text-report.ts";
import { openSession, type Session } from "./session.ts";

export interface CommandSpec {
  /** `up`; also the npm script's name. */
  readonly name: string;
  readonly summary: string;
  /** Whether AWS may be written to; if not, the clients refuse it. */
  readonly writes: boolean;
  /** False where the app's source needn't be there. */
  readonly usesSource?: boolean;
  /** Lines about exit codes and effects that the help ends with. */
  readonly help: readonly string[];
  readonly run: (session: Session) => Promise<Outcome>;
}

export interface Outcome {
  readonly outcome: Summary["outcome"];
  readonly exitCode: ExitCode;
  readonly url?: string | undefined;
  readonly left?: Summary["left"];
}

const options = {
  config: { type: "string", default: "berth.yaml", value: "FILE", text: "configuration file (berth.yaml)" },
  stack: { type: "string", value: "NAME", text: "another stack name than the file's" },
  local: { type: "boolean", text: "use the embedded AWS on this computer" },
  wait: { type: "string", value: "SECONDS", text: "wait this long for somebody else's lease" },
  yes: { type: "boolean", short: "y", text: "don't ask" },
  json: { type: "boolean", text: "one JSON event a line on stdout" },
  help: { type: "boolean", short: "h", text: "this text" },
} as const;

export interface Flags {
  readonly config: string;
  readonly stack?: string | undefined;
  readonly local: boolean;
  readonly waitMs: number;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Runs a command from the process's arguments to its exit code. The one place where errors are printed. */
export async function runCommand(spec: CommandSpec): Promise<void> {
  const tally = new Tally();
  const wantsJson = process.argv.includes("--json");
  const report = wantsJson ? createJsonReport(tally) : createTextReport(tally);
  const interrupt = listenForInterrupt(report);
  let outcome: Outcome;
  try {
    const flags = parseFlags(spec.name);
    if (flags === "help") {
      process.stdout.write(helpText(spec));
      return;
    }
    await using session = await openSession({ flags, spec, report, tally, signal: interrupt.signal });
    outcome = await spec.run(session);
  } catch (error) {
    const shown = asBerthError(error, spec.name, interrupt.signal);
    report.error(shown);
    outcome = { outcome: interrupt.signal.aborted ? "interrupted" : "failed", exitCode: shown.exitCode };
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

function parseFlags(command: string): Flags | "help" {
  const { values, positionals, tokens } = parseArgs({
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = Object.entries(options).find(([name]) => name === token.name)?.[1];
    if (option === undefined) throw unknownOption(token.rawName, command);
    const takesValue = option.type === "string";
    if (takesValue && token.value === undefined)
      throw badArguments(`${token.rawName} needs a value`, command);
    if (!takesValue && token.value !== undefined)
      throw badArguments(`${token.rawName} takes no value`, command);
  }
  if (values.help === true) return "help";
  if (positionals.length > 0) throw badArguments(`unexpected argument "${positionals[0]}"`, command);
  const waitSeconds = Number(values.wait ?? 0);
  if (!(waitSeconds >= 0)) throw badArguments(`--wait takes seconds, not "${String(values.wait)}"`, command);
  return {
    config: String(values.config),
    stack: typeof values.stack === "string" ? values.stack : undefined,
    local: values.local === true,
    waitMs: waitSeconds * 1000,
    yes: values.yes === true,
    json: values.json === true,
  };
}

function unknownOption(rawName: string, command: string): BerthError {
  const names = Object.keys(options).map((name) => `--${name}`);
  const near = closest(rawName, names);
  return badArguments(
    `unknown option ${rawName}${distance(rawName, near) <= 3 ? `; did you mean ${near}?` : ""}`,
    command,
  );
}

function badArguments(message: string, command: string): BerthError {
  return new BerthError({
    code: "BadArguments",
    message,
    hint: `npm run ${command} -- --help lists what there is`,
    exitCode: exitCodes.badInput,
  });
}

function helpText({ name, summary, help }: CommandSpec): string {
  const rows = Object.entries(options).map(([option, details]) => {
    const short = "short" in details ? `-${details.short}, ` : "    ";
    const value = "value" in details ? ` ${details.value}` : "";
    return `  ${short}--${`${option}${value}`.padEnd(18)} ${details.text}`;
  });
  return [
    `${name}: ${summary}`,
    "",
    `Usage: npm run ${name} -- [options]`,
    "",
    ...rows,
    "",
    ...help,
    "",
  ].join("\n");
}

/** The first Ctrl-C lets the step in hand end; a second one leaves at once. */
function listenForInterrupt(report: Report) {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    report.message("stopping: the step in hand ends first; press Ctrl-C again to leave at once");
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

function unexpected(error: unknown): BerthError {
  const isError = error instanceof Error;
  return new BerthError({
    code: "Unexpected",
    message: isError ? `${error.name}: ${error.message}` : String(error),
    hint: "this is a mistake in Berth: please report it with the lines above",
    detail: isError ? (error.stack ?? "").split("\n").slice(1, 8) : [],
    cause: error,
  });
}

const isAbort = (error: unknown): boolean =>
  error instanceof BerthError
    ? error.code === "Interrupted"
    : error instanceof Error && error.name === "AbortError";
