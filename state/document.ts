import { randomUUID } from "node:crypto";
import { z } from "zod";
import { BerthError } from "../lib/errors.ts";
import { printable } from "../lib/printable.ts";
import { parseStrictJson } from "../lib/strict-json.ts";
import { invocation } from "../lib/invocation.ts";

/** Far more replacements than any stack will have. */
export const highestGeneration = 1_000_000_000;

const text = z.string().max(2048);
const generation = z.int().min(1).max(highestGeneration);
/** Logical names as in lib/stack.ts, and names of pins. */
const name = z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/);
const fewEntries = (entries: object) => Object.keys(entries).length <= 1000;

const entry = z.strictObject({
  kind: text,
  generation,
  /** Absent while the entry is only an intent, which is saved before the create call and so outlives a killed run. */
  id: text.optional(),
});

const superseded = z.strictObject({ name, kind: text, generation, id: text });

const document = z.strictObject({
  version: z.literal(1),
  /** Drawn once, when the document is first created. Documents of one stack with different lineages have different histories. */
  lineage: z.uuid(),
  serial: z.int().min(0).max(1e12),
  stack: text,
  account: z.string().regex(/^\d{12}$/),
  region: text,
  /** The run that wrote the document, so that two runs never write equal bodies. */
  writer: text,
  savedAt: text,
  resources: z.record(name, entry).refine(fewEntries),
  /** Resources that were replaced but not yet removed. */
  superseded: z.array(superseded).max(1000),
  /** Choices that are kept even if AWS offers something newer: `image.debian-13`, `zone`. */
  pins: z.record(name, text).refine(fewEntries),
});

/** The state document: a cache of ids and a record of intent. AWS and the ownership tags are the source of truth. */
export type StateDocument = z.output<typeof document>;
export type StateEntry = z.output<typeof entry>;

export interface Scope {
  readonly stack: string;
  readonly account: string;
  readonly region: string;
}

export function newDocument(scope: Scope): StateDocument {
  return {
    version: 1,
    lineage: randomUUID(),
    serial: 0,
    ...scope,
    writer: "",
    savedAt: "",
    resources: {},
    superseded: [],
    pins: {},
  };
}

const wayBack = (): string =>
  `${invocation("state show")} tells what is there; state restore puts an earlier version back, state rebuild makes a new one from ownership tags (docs/state.md)`;

/** Throws a BerthError for a document that is damaged, newer than this Berth, or somebody else's. Never repairs one. */
export function parseDocument(body: string, scope: Scope, location: string): StateDocument {
  const refuse = (code: string, message: string, cause?: unknown) =>
    new BerthError({
      code,
      message: `${message}: ${location}. It is left as it is`,
      hint: wayBack(),
      cause,
    });
  let raw: unknown;
  try {
    raw = parseStrictJson(body);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refuse("StateDamaged", `the state document can't be used, because ${printable(why)}`, error);
  }
  const version = typeof raw === "object" && raw !== null && "version" in raw ? raw.version : undefined;
  if (typeof version === "number" && version > 1) {
    throw refuse("StateTooNew", `the state document has version ${version}, this Berth knows 1`);
  }
  const parsed = document.safeParse(raw);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join(".") ?? "";
    throw refuse("StateDamaged", `the state document is damaged at "${printable(where)}"`, parsed.error);
  }
  for (const key of ["stack", "account", "region"] as const) {
    if (parsed.data[key] === scope[key]) continue;
    throw refuse(
      "StateForeign",
      `the state document is of ${key} ${printable(parsed.data[key])}, not ${scope[key]}`,
    );
  }
  return parsed.data;
}
