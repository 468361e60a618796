import { z } from "zod";

const record = z.object({
  id: z.string(),
  holder: z.string(),
  host: z.string(),
  process: z.number(),
  operation: z.string(),
  /** ISO 8601 by the holder's clock: for people; nothing is decided by it. */
  since: z.string(),
  ttlMs: z.number(),
  beat: z.number(),
});

export type LeaseRecord = z.output<typeof record>;

export const defaultTtlMs = 30_000;

/** Undefined for an unreadable one. It still holds until it expires; it just can't say by whom. */
export function parseRecord(body: string): LeaseRecord | undefined {
  try {
    return record.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}
