import type { BerthError } from "../lib/errors.ts";
import { boundLines, Line, line } from "../lib/report/line.ts";
import {
  ownScreens,
  type Paint,
  paintFor,
  printJson,
  printLines,
  type Screens,
} from "../lib/report/terminal.ts";
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
  /** Reports what is being done now. */
  step(text: string): void;
  check(result: CheckResult): void;
  error(error: BerthError): void;
  summary(summary: SmokeSummary): void;
}

/** Writes one event per line to stdout, the summary last. */
export function createJsonReport({ stdout }: Screens = ownScreens): SmokeReport {
  const emit = (event: string, values: object) => printJson(stdout, { event, ...values });
  return {
    step: (text) => emit("message", { text }),
    check: ({ error, ...result }) =>
      emit("check", { ...result, ...(error === undefined ? {} : { code: error.code, hint: error.hint }) }),
    error: ({ code, message, hint, resource, detail }) =>
      emit("error", { code, message, hint, resource, detail: boundLines(detail) }),
    summary: (summary) => emit("summary", { command: "smoke", ...summary }),
  };
}

/** Writes progress to stderr as it happens, then the whole table to stdout. */
export function createTextReport({ stdout, stderr }: Screens = ownScreens): SmokeReport {
  const results: CheckResult[] = [];
  const [out, err] = [paintFor(stdout), paintFor(stderr)];
  const step = (text: string) => printLines(stderr, line`${Line.paint(err.dim, "·")} ${text}`);
  return {
    step,
    check: (result) => {
      results.push(result);
      step(`${result.between}: ${result.name}: ${result.outcome}`);
    },
    error: (error) => printLines(stderr, ...errorLines(error, err)),
    summary: (summary) => printLines(stdout, ...tableLines(results, out), ...summaryLines(summary, out)),
  };
}

function tableLines(results: readonly CheckResult[], colors: Paint): Line[] {
  if (results.length === 0) return [];
  const marks = {
    passed: Line.paint(colors.green, "ok  "),
    failed: Line.paint(colors.red, "FAIL"),
    skipped: Line.paint(colors.dim, "skip"),
  };
  const width = (pick: (one: CheckResult) => string) => Math.max(...results.map((one) => pick(one).length));
  const between = width((one) => one.between);
  const name = width((one) => one.name);
  const rows = results.map((one) => {
    const time = one.outcome === "skipped" ? "" : `${(one.durationMs / 1000).toFixed(1)} s`;
    const rest = `${one.between.padEnd(between)}  ${one.name.padEnd(name)}  ${time.padStart(7)}  ${one.seen}`;
    return line`${marks[one.outcome]}  ${rest.trimEnd()}`;
  });
  return [line``, ...rows];
}

function summaryLines({ passed, failed, skipped, durationMs, outcome }: SmokeSummary, colors: Paint): Line[] {
  const parts = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  const text = `${outcome === "interrupted" ? "interrupted: " : ""}${parts.join(", ")} in ${(durationMs / 1000).toFixed(1)} s`;
  return [line``, Line.paint(outcome === "done" ? colors.green : colors.red, text)];
}

function errorLines({ code, message, hint, detail }: BerthError, colors: Paint): Line[] {
  return [
    line`${Line.paint(colors.red, "error")} ${code}: ${message}`,
    ...boundLines(detail).map((one) => line`  ${Line.paint(colors.dim, "|")} ${one}`),
    ...(hint === undefined ? [] : [line`  ${Line.paint(colors.bold, "next:")} ${hint}`]),
  ];
}
