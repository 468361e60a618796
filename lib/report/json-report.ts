import type { BerthError } from "../errors.ts";
import { boundLines } from "./line.ts";
import { fieldsOf } from "./log-line.ts";
import type { Report, Tally } from "./report.ts";
import type { ShownPlan } from "./shown-plan.ts";
import { ownScreens, printJson, type Screens } from "./terminal.ts";

/** Writes one event per line to stdout, the summary last, and nothing else. */
export function createJsonReport(tally: Tally, { stdout }: Screens = ownScreens): Report {
  const emit = (event: string, values: object) => printJson(stdout, { event, ...values });
  const startedMs = new Map<string, number>();
  const since = (name: string) => Math.round(performance.now() - (startedMs.get(name) ?? 0));
  return {
    message: (text) => emit("message", { text: typeof text === "string" ? text : text.join("\n") }),
    log: (one) => emit("log", { ...one, fields: fieldsOf(one.text) }),
    data: (event, values) => emit(event, values),
    announce: (event, values) => emit(event, values),
    raw: (event, values, text) => emit(event, { ...values, raw: text }),
    plan: ({ head, warnings, steps, superseded }: ShownPlan) =>
      emit("plan", { head, warnings, steps, superseded }),
    begin: (name, action) => {
      startedMs.set(name, performance.now());
      emit("begin", { name, action });
      let last = "";
      return (note) => {
        if (note !== last) emit("wait", { name, note });
        last = note;
      };
    },
    end: (name, action, id) => {
      const durationMs = since(name);
      tally.ended(name, action, durationMs);
      emit("end", { name, action, id, durationMs });
    },
    fail: (name, action) => emit("fail", { name, action, durationMs: since(name) }),
    error: ({ code, message, hint, resource, detail }: BerthError) =>
      emit("error", { code, message, hint, resource, detail: boundLines(detail) }),
    summary: (summary) => emit("summary", summary),
    close: () => undefined,
  };
}
