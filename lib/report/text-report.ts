import { type BerthError, exitCodes } from "../errors.ts";
import { boundLines, Line, line } from "./line.ts";
import { LiveLines } from "./live-lines.ts";
import { logLine } from "./log-line.ts";
import { marks, planLines } from "./plan-lines.ts";
import type { Report, Tally } from "./report.ts";
import { shortenNames } from "./short-names.ts";
import { summaryText } from "./summary-text.ts";
import { ownScreens, type Paint, paintFor, printLines, printWrapped, type Screens } from "./terminal.ts";

const done: Readonly<Record<string, string>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  remove: "removed",
};
const quietMs = 5_000;

/** The report for people: progress goes to stderr, live on a terminal and as plain lines elsewhere; data goes to stdout. */
export function createTextReport(tally: Tally, { stdout, stderr }: Screens = ownScreens): Report {
  const colors = paintFor(stderr);
  const dataColors = paintFor(stdout);
  const live = new LiveLines(stderr);
  const startedMs = new Map<string, number>();
  const sinceMs = (name: string) => performance.now() - (startedMs.get(name) ?? 0);
  const seconds = (name: string) => `${(sinceMs(name) / 1000).toFixed(1)} s`;

  return {
    message: (text) => live.print(...linesOf(text)),
    log: (one) => {
      live.clear();
      printWrapped(stdout, logLine(one, dataColors));
    },
    data: (_event, _values, text) => {
      live.clear();
      printWrapped(stdout, ...linesOf(text));
    },
    announce: (_event, _values, text) => live.print(...linesOf(text)),
    raw: (_event, _values, text) => {
      live.clear();
      printLines(stdout, ...Line.split(text.trimEnd()));
    },
    plan: (plan, asData) => {
      live.clear();
      printWrapped(asData ? stdout : stderr, ...planLines(plan, asData ? dataColors : colors));
    },
    begin: (name, action) => {
      startedMs.set(name, performance.now());
      const dots = Line.paint(colors.dim, "…");
      live.set(name, () => line`  ${dots} ${name.padEnd(18)} ${action} ${seconds(name)}`);
      let last = { note: "", atMs: performance.now() };
      return (note) => {
        const told = Line.paint(colors.dim, note);
        live.set(name, () => line`  ${dots} ${name.padEnd(18)} ${action} ${seconds(name)}  ${told}`);
        // Without live output, a wait is reported when its note changes, but only every few seconds.
        if (live.isTerminal || note === last.note || performance.now() - last.atMs < quietMs) return;
        last = { note, atMs: performance.now() };
        live.print(line`  … ${name.padEnd(18)} ${action} ${seconds(name)}  ${note}`);
      };
    },
    end: (name, action, id) => {
      tally.ended(name, action, sinceMs(name));
      live.drop(name);
      const mark = Line.paint(colors.green, marks[action] ?? "✓");
      const what = (done[action] ?? action).padEnd(8);
      live.print(
        line`  ${mark} ${name.padEnd(18)} ${what} ${shortenNames(id)}  ${Line.paint(colors.dim, seconds(name))}`,
      );
    },
    fail: (name, action, isStopped) => {
      live.drop(name);
      const mark = isStopped === true ? Line.paint(colors.yellow, "·") : Line.paint(colors.red, "✗");
      const how = isStopped === true ? "stopped" : "failed";
      live.print(line`  ${mark} ${name.padEnd(18)} ${action} ${how} after ${seconds(name)}`);
    },
    error: (error) => {
      live.clear();
      printWrapped(stderr, ...errorLines(error, colors));
    },
    summary: (summary) => {
      live.clear();
      printWrapped(stderr, line`${summaryText(summary)}`);
    },
    close: () => live.clear(),
  };
}

const linesOf = (text: string | readonly string[]): Line[] =>
  (typeof text === "string" ? [text] : text).map((one) => line`${one}`);

function errorLines(error: BerthError, colors: Paint): Line[] {
  const { code, message, hint, resource, detail, exitCode } = error;
  // Whoever pressed Ctrl-C knows that it is no failure.
  if (exitCode === exitCodes.interrupted && detail.length === 0)
    return [line`${message}`, ...hintLines(hint, colors)];
  const about = resource === undefined ? "" : ` (${resource})`;
  return [
    ...boundLines(detail).map((one) => line`  ${Line.paint(colors.dim, "|")} ${one}`),
    line`${Line.paint(colors.red, "error")} ${code}${about}: ${message}`,
    ...hintLines(hint, colors),
  ];
}

const hintLines = (hint: string | undefined, colors: Paint): Line[] =>
  hint === undefined ? [] : [line`${Line.paint(colors.cyan, "hint")}  ${hint}`];
