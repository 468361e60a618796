import { invocation } from "../invocation.ts";
import { shortenNames } from "../report/short-names.ts";

/** One resource of the stack as `status` shows it. */
export interface ResourceRow {
  readonly name: string;
  readonly id?: string | undefined;
  readonly state: "ok" | "differs" | "absent";
}

/** A row for each resource, or one sentence where there is none at all. */
export function resourceLines(stack: string, rows: readonly ResourceRow[]): string[] {
  if (rows.every(({ state }) => state === "absent"))
    return [`nothing of ${stack} is there; ${invocation("up")} makes it`];
  // Records are named after their domains.
  const width = Math.max(18, ...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, id, state }) => `${name.padEnd(width)} ${state.padEnd(8)} ${shortenNames(id ?? "")}`,
  );
}
