import { invocation } from "../invocation.ts";
import { shortenNames } from "../report/short-names.ts";

/** One resource of the stack as `status` shows it. */
export interface ResourceRow {
  readonly name: string;
  readonly id?: string | undefined;
  readonly state: "ok" | "differs" | "absent";
}

/** A row for each resource that isn't as declared, and one for all others; or one sentence where there is none at all. */
export function resourceLines(stack: string, rows: readonly ResourceRow[]): string[] {
  if (rows.every(({ state }) => state === "absent"))
    return [`nothing of ${stack} is there; ${invocation("up")} makes it`];
  const others = rows.filter(({ state }) => state !== "ok");
  const count = rows.length - others.length;
  // Records are named after their domains.
  const width = Math.max(18, ...others.map(({ name }) => name.length));
  return [
    ...others.map(
      ({ name, id, state }) => `${name.padEnd(width)} ${state.padEnd(8)} ${shortenNames(id ?? "")}`,
    ),
    ...(count === 0 ? [] : [`resources   ${count}${others.length === 0 ? ", all" : " others"} as declared`]),
  ];
}

/** What differs from berth.yaml, in one line. */
export function differenceLine(steps: readonly { readonly name: string; readonly action: string }[]): string {
  if (steps.length === 0) return "differs     nothing from berth.yaml";
  const named = steps.slice(0, mostNamed).map(({ name, action }) => `${name} (${action})`);
  const more = steps.length > mostNamed ? ` and ${steps.length - mostNamed} more` : "";
  return `differs     ${named.join(", ")}${more}; ${invocation("plan")} shows each field`;
}

const mostNamed = 3;
