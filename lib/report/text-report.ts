import pc from "picocolors";
import type { Plan, Step } from "../engine/plan.ts";
import { LiveLines } from "./live-lines.ts";
import type { Report, Summary, Tally } from "./report.ts";

const marks: Readonly<Record<string, string>> = { create: "+", update: "~", replace: "±", remove: "-" };
const done: Readonly<Record<string, string>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  remove: "removed",
};
const quietMs = 5_000;

/** For people: progress on stderr, drawn live on a terminal and as plain lines elsewhere; data on stdout. */
export function createTextReport(tally: Tally): Report {
  const colors = pc.createColors(process.stderr.isTTY && process.env["NO_COLOR"] === undefined);
  const live = new LiveLines(process.stderr);
  const startedMs = new Map<string, number>();
  const seconds = (name: string) =>
    `${((performance.now() - (startedMs.get(name) ?? 0)) / 1000).toFixed(1)} s`;
  const line = (text: string) => live.print(text);

  return {
    message: line,
    data: (_event, _values, text) => {
      live.clear();
      if (text !== "") process.stdout.write(`${text}\n`);
    },
    plan: (plan, asData) => {
      const target = asData ? process.stdout : process.stderr;
      const paint = asData
        ? pc.createColors(process.stdout.isTTY && process.env["NO_COLOR"] === undefined)
        : colors;
      live.clear();
      target.write(`${planText(plan, paint)}\n`);
    },
    begin: (name, action) => {
      startedMs.set(name, performance.now());
      live.set(name, () => `  ${colors.dim("…")} ${name.padEnd(18)} ${action} ${seconds(name)}`);
      let last = { note: "", atMs: performance.now() };
      return (note) => {
        live.set(
          name,
          () => `  ${colors.dim("…")} ${name.padEnd(18)} ${action} ${seconds(name)}  ${colors.dim(note)}`,
        );
        // Where nothing can be redrawn, a wait is told when it changes, but not more than every few seconds.
        if (live.isTerminal || note === last.note || performance.now() - last.atMs < quietMs) return;
        last = { note, atMs: performance.now() };
        line(`  … ${name.padEnd(18)} ${action} ${seconds(name)}  ${note}`);
      };
    },
    end: (name, action, id) => {
      tally.changed(action);
      live.drop(name);
      const mark = colors.green(marks[action] ?? "✓");
      line(
        `  ${mark} ${name.padEnd(18)} ${(done[action] ?? action).padEnd(8)} ${id}  ${colors.dim(seconds(name))}`,
      );
    },
    fail: (name, action) => {
      live.drop(name);
      line(`  ${colors.red("✗")} ${name.padEnd(18)} ${action} failed after ${seconds(name)}`);
    },
    error: (error) => {
      live.clear();
      const about = error.resource === undefined ? "" : ` (${error.resource})`;
      for (const text of error.detail) process.stderr.write(`  ${colors.dim("|")} ${text}\n`);
      process.stderr.write(`${colors.red("error")} ${error.code}${about}: ${error.message}\n`);
      if (error.hint !== undefined) process.stderr.write(`${colors.cyan("hint")}  ${error.hint}\n`);
    },
    summary: (summary) => {
      live.clear();
      process.stderr.write(`${summaryText(summary)}\n`);
    },
    close: () => live.clear(),
  };
}

type Paint = ReturnType<typeof pc.createColors>;

function planText({ steps, leftovers }: Plan, paint: Paint): string {
  if (steps.length === 0 && leftovers.length === 0) return "No changes: everything is as declared.";
  const lines = steps.flatMap((step) => stepLines(step, paint));
  for (const { name, id } of leftovers)
    lines.push(`  ${paint.red("-")} ${name} ${id}: replaced earlier, to be removed`);
  const count = (action: string) => steps.filter((step) => step.action === action).length;
  lines.push(
    `${count("create")} to create, ${count("update")} to update, ${count("replace")} to replace, ${leftovers.length} to remove`,
  );
  return lines.join("\n");
}

function stepLines(step: Step, paint: Paint): string[] {
  const color = { create: paint.green, update: paint.yellow, replace: paint.magenta }[step.action];
  const why = step.because === undefined ? "" : paint.dim(`  ${step.because}`);
  const lines = [`  ${color(marks[step.action] ?? "?")} ${step.name.padEnd(18)} ${step.action}${why}`];
  for (const { field, wanted, found, reason } of step.differences) {
    const because = reason === undefined ? "" : paint.dim(`  (${reason})`);
    lines.push(`      ${field}: ${shorten(found)} -> ${shorten(wanted)}${because}`);
  }
  if (step.consequence !== undefined) lines.push(`      ${paint.dim(step.consequence)}`);
  return lines;
}

const shorten = (text: string): string =>
  text.length > 90 ? `${text.slice(0, 60)}…${text.slice(-20)}` : text;

function summaryText({ command, outcome, changes, calls, durationMs }: Summary): string {
  const parts = Object.entries(changes).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  const what = parts.length > 0 ? parts.join(", ") : "nothing changed";
  return `${command}: ${outcome} in ${(durationMs / 1000).toFixed(1)} s; ${what}; ${calls.read} reads, ${calls.write} writes`;
}
