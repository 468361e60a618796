import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type { BerthError } from "../lib/errors.ts";
import type { CheckResult } from "./check.ts";

interface SmokeSummary {
  readonly outcome: "done" | "failed" | "interrupted";
  readonly project: string | undefined;
  readonly compose: string | undefined;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
}

export interface SmokeReport {
  /** What goes on now. */
  step(text: string): void;
  check(result: CheckResult): void;
  error(error: BerthError): void;
  summary(summary: SmokeSummary): void;
}

/** One event a line on stdout, the summary last. */
export function createJsonReport(): SmokeReport {
  const emit = (event: string, values: object) =>
    void process.stdout.write(`${JSON.stringify({ event, ...values })}\n`);
  return {
    step: (text) => emit("message", { text }),
    check: ({ error, ...result }) =>
      emit("check", { ...result, ...(error === undefined ? {} : { code: error.code, hint: error.hint }) }),
    error: ({ code, message, hint, resource, detail }) =>
      emit("error", { code, message, hint, resource, detail }),
    summary: (summary) => emit("summary", { command: "smoke", ...summary }),
  };
}

/** Progress to stderr as it happens, then the whole table to stdout. */
export function createTextReport(): SmokeReport {
  const results: CheckResult[] = [];
  const out = pc.createColors(process.stdout.isTTY && !process.env["NO_COLOR"]);
  const err = pc.createColors(process.stderr.isTTY && !process.env["NO_COLOR"]);
  return {
    step: (text) => void process.stderr.write(`${err.dim("·")} ${text}\n`),
    check: (result) => {
      results.push(result);
      process.stderr.write(`${err.dim("·")} ${result.between}: ${result.name}: ${result.outcome}\n`);
    },
    error: (error) => void process.stderr.write(formatError(error, err)),
    summary: (summary) => void process.stdout.write(formatTable(results, out) + formatSummary(summary, out)),
  };
}

type Colors = ReturnType<typeof pc.createColors>;

function formatTable(results: readonly CheckResult[], colors: Colors): string {
  if (results.length === 0) return "";
  const marks = { passed: colors.green("ok  "), failed: colors.red("FAIL"), skipped: colors.dim("skip") };
  const width = (pick: (one: CheckResult) => string) => Math.max(...results.map((one) => pick(one).length));
  const between = width((one) => one.between);
  const name = width((one) => one.name);
  const rows = results.map((one) => {
    const time = one.outcome === "skipped" ? "" : `${(one.durationMs / 1000).toFixed(1)} s`;
    return `${marks[one.outcome]}  ${one.between.padEnd(between)}  ${one.name.padEnd(name)}  ${time.padStart(7)}  ${one.seen}`.trimEnd();
  });
  return `\n${rows.join("\n")}\n`;
}

function formatSummary(
  { passed, failed, skipped, durationMs, outcome }: SmokeSummary,
  colors: Colors,
): string {
  const parts = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  const text = `${outcome === "interrupted" ? "interrupted: " : ""}${parts.join(", ")} in ${(durationMs / 1000).toFixed(1)} s`;
  return `\n${outcome === "done" ? colors.green(text) : colors.red(text)}\n`;
}

function formatError({ code, message, hint, detail }: BerthError, colors: Colors): string {
  const lines = detail.map((line) => `  ${colors.dim("|")} ${stripVTControlCharacters(line)}`);
  const next = hint === undefined ? [] : [`  ${colors.bold("next:")} ${hint}`];
  return `${[`${colors.red("error")} ${code}: ${message}`, ...lines, ...next].join("\n")}\n`;
}
