import { z } from "zod";
import { parseStrictJson } from "../../lib/strict-json.ts";

const text = z.string().max(1024);

const record = z.object({
  id: text,
  holder: text,
  host: text,
  process: z.int().min(0),
  operation: text,
  /** ISO 8601, by the holder's clock. Only for people; no decision depends on it. */
  since: text,
  /** At most what BERTH_LEASE_SECONDS allows. Without the limit, a record could keep everybody out for ever. */
  ttlMs: z.int().min(1).max(9_999_000),
  beat: z.int().min(0),
});

export type LeaseRecord = z.output<typeof record>;

export const defaultTtlMs = 30_000;

/** Undefined for a record that can't be parsed. The lease still holds until it expires, but its holder is unknown. */
export function parseRecord(body: string): LeaseRecord | undefined {
  try {
    return record.parse(parseStrictJson(body));
  } catch {
    return undefined;
  }
}
