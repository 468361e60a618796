import { matches, section } from "./tree.ts";

export interface Field {
  readonly type: string;
  readonly mayBeAbsent: boolean;
  /** True when the field is documented with another event. */
  readonly isBorrowed: boolean;
}

/** The documented events: for each one, the commands that print it, and its fields by path. */
export interface Documented {
  readonly from: ReadonlyMap<string, readonly string[] | "all">;
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, Field>>;
}

/** Reads the tables of docs/events.md. */
export function readTables(page: string): Documented {
  const from = [...page.matchAll(/^\| `(\w+)` \| ((?:all|`[\w ,`]+`)) \|[^|]+\|$/gm)].map(
    ([, event = "", commands = ""]) =>
      [event, commands === "all" ? ("all" as const) : matches(commands, /`([\w ]+)`/g)] as const,
  );
  const own = new Map(from.map(([event]) => [event, rowsOf(section(page, event))] as const));
  const fields = from.map(([event]) => [event, withBorrowed(event, own)] as const);
  return { from: new Map(from), fields: new Map(fields) };
}

function rowsOf(text: string): Map<string, Field> {
  const rows = [...text.matchAll(/^\| `([^`|]+)` \| ([^|]+) \|(?: (may be))? \|[^|]*\|$/gm)];
  return new Map(
    rows.map(([, path = "", type = "", absent]) => [
      path,
      { type, mayBeAbsent: absent !== undefined, isBorrowed: false },
    ]),
  );
}

/** A field that is documented "as in" another event has that event's fields below it. */
function withBorrowed(
  event: string,
  own: ReadonlyMap<string, ReadonlyMap<string, Field>>,
): ReadonlyMap<string, Field> {
  const all = new Map<string, Field>();
  for (const [path, field] of own.get(event) ?? []) {
    const [type = "", lender] = field.type.split(/, as in `(\w+)`/);
    all.set(path, { ...field, type });
    if (lender === undefined) continue;
    for (const [other, lent] of own.get(lender) ?? [])
      if (other.startsWith(`${path}.`)) all.set(other, { ...lent, isBorrowed: true });
  }
  return all;
}

export interface Finding {
  /** The table's paths that were present. */
  readonly seen: readonly string[];
  /** Differences from the table. */
  readonly wrong: readonly string[];
}

/** Compares one printed event with its table. */
export function checkEvent(
  event: Readonly<Record<string, unknown>>,
  fields: ReadonlyMap<string, Field>,
): Finding {
  const seen: string[] = [];
  const wrong: string[] = [];
  const visit = (value: unknown, path: string): void => {
    const field = fields.get(path);
    if (field === undefined) return void wrong.push(`${path} isn't documented`);
    seen.push(path);
    if (!isOfType(value, field.type)) wrong.push(`${path} is no ${field.type}: ${JSON.stringify(value)}`);
    else if (field.type === "object" && isRecord(value)) visitFields(value, path);
    else if (field.type === "list" && Array.isArray(value))
      for (const entry of value) if (isRecord(entry)) visitFields(entry, `${path}[]`);
  };
  const visitFields = (value: Readonly<Record<string, unknown>>, parent: string): void => {
    const prefix = parent === "" ? "" : `${parent}.`;
    const isOpen = fields.has(`${prefix}*`);
    for (const [key, one] of Object.entries(value)) visit(one, isOpen ? `${prefix}*` : `${prefix}${key}`);
    for (const [path, { mayBeAbsent }] of fields) {
      const key = path.startsWith(prefix) ? path.slice(prefix.length) : "";
      if (/^\w+$/.test(key) && !mayBeAbsent && !(key in value)) wrong.push(`${path} is absent`);
    }
  };
  const { event: _name, ...values } = event;
  visitFields(values, "");
  return { seen, wrong };
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "whole number") return Number.isInteger(value);
  if (type === "list") return Array.isArray(value) && value.every(isRecord);
  if (type === "list of strings")
    return Array.isArray(value) && value.every((one) => typeof one === "string");
  if (type === "list of numbers")
    return Array.isArray(value) && value.every((one) => typeof one === "number");
  if (type === "object") return isRecord(value);
  return ["string", "number", "boolean"].includes(type) && typeof value === type;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
