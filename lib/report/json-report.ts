import type { Plan } from "../engine/plan.ts";
import type { BerthError } from "../errors.ts";
import type { Report, Tally } from "./report.ts";

/** One event a line on stdout, the last of them the summary. Nothing else is written. */
export function createJsonReport(tally: Tally): Report {
  const emit = (event: string, values: object) =>
    void process.stdout.write(`${JSON.stringify({ event, ...values })}\n`);
  const startedMs = new Map<string, number>();
  const since = (name: string) => Math.round(performance.now() - (startedMs.get(name) ?? 0));
  return {
    message: (text) => emit("message", { text }),
    data: (event, values) => emit(event, values),
    plan: ({ steps, leftovers }: Plan) => emit("plan", { steps, leftovers }),
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
      tally.changed(action);
      emit("end", { name, action, id, durationMs: since(name) });
    },
    fail: (name, action) => emit("fail", { name, action, durationMs: since(name) }),
    error: ({ code, message, hint, resource, detail }: BerthError) =>
      emit("error", { code, message, hint, resource, detail }),
    summary: (summary) => emit("summary", summary),
    close: () => undefined,
  };
}
