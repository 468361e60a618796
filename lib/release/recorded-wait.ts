import { BerthError } from "../errors.ts";
import type { PollContext } from "../poll.ts";
import { type Awaited, awaitHosts } from "./await-hosts.ts";
import { keepEnd, type ReleaseEnd, type StoredRecord } from "./record.ts";

export interface Recorded {
  /** What is stored of the awaited release. */
  readonly stored: StoredRecord;
  /** Seconds of the run's earlier steps, by name. */
  readonly phases: Readonly<Record<string, number>>;
}

/**
 * Waits until every host serves the release, and adds to its record how it ended. A release whose end no run has seen, since
 * it was stopped or the hosts were silent, keeps a record without one.
 */
export async function awaitRecorded(
  ctx: PollContext,
  awaited: Awaited,
  { stored, phases }: Recorded,
): Promise<void> {
  const { store } = awaited;
  try {
    await awaitHosts(ctx, awaited);
  } catch (error) {
    if (error instanceof BerthError && error.code === "ReleaseUnhealthy") {
      // The user needs to see why the release failed, whatever becomes of its record.
      await keepEnd(store, stored, endOf(stored, phases, error.message)).catch(() => undefined);
    }
    throw error;
  }
  await keepEnd(store, stored, endOf(stored, phases));
}

function endOf({ record }: StoredRecord, phases: Recorded["phases"], reason?: string): ReleaseEnd {
  const now = new Date();
  const published = Date.parse(record?.at ?? "");
  // Another computer may have published it, and its clock may be ahead.
  const hosts = Number.isNaN(published) ? 0 : Math.max(0, (now.getTime() - published) / 1000);
  return {
    result: reason === undefined ? "served" : "failed",
    at: now.toISOString(),
    ...(reason === undefined ? {} : { reason }),
    seconds: { ...phases, hosts: Math.round(hosts * 10) / 10 },
  };
}
