import { z } from "zod";
import { parseStrictJson } from "../../lib/strict-json.ts";

const text = z.string().max(1024);

const record = z.object({
  id: text,
  holder: text,
  host: text,
  process: z.int().min(0),
  operation: text,
  /** ISO 8601 by the holder's clock: for people; nothing is decided by it. */
  since: text,
  /** No longer than BERTH_LEASE_SECONDS takes: a record that says more would keep everybody out for ever. */
  ttlMs: z.int().min(1).max(9_999_000),
  beat: z.int().min(0),
});

export type LeaseRecord = z.output<typeof record>;

export const defaultTtlMs = 30_000;

/** Undefined for an unreadable one. It still holds until it expires; it just can't say by whom. */
export function parseRecord(body: string): LeaseRecord | undefined {
  try {
    return record.parse(parseStrictJson(body));
  } catch {
    return undefined;
  }
}
