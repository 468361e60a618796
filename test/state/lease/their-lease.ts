import type { LeaseRecord } from "../../../state/lease/record.ts";

/** A lease that somebody else took. */
export const theirs: LeaseRecord = {
  id: "theirs",
  holder: "ann",
  host: "elsewhere",
  process: 7,
  operation: "down",
  since: "2026-11-21T10:00:00.000Z",
  ttlMs: 60_000,
  beat: 3,
};
