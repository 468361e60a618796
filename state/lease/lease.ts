import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { leaseHeld, leaseLost, leaseUnseen, storeGone } from "./errors.ts";
import { defaultTtlMs, type LeaseRecord, parseRecord } from "./record.ts";
import type { ObjectStore } from "../object-store.ts";
import { startStopwatch, type Stopwatch } from "./stopwatch.ts";

export interface LeaseOptions {
  readonly operation: string;
  /** After this time without a heartbeat, by the store's clock, anybody may take the lease over. */
  readonly ttlMs?: number;
  /** How long to wait for somebody else's lease before giving up. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  readonly onTakeover?: (from: LeaseRecord, ageMs: number) => void;
  readonly onWait?: (holder: LeaseRecord, ageMs: number) => void;
}

export const leaseKey = "lease.json";

/** A stored lease, as read by a run that doesn't hold it. */
export interface FoundLease {
  /** Absent if the record can't be parsed. The lease holds all the same. */
  readonly record: LeaseRecord | undefined;
  readonly etag: string;
  /** Milliseconds since the last heartbeat, by the store's clock. */
  readonly ageMs: number;
  /** Whether the lease hasn't expired. Nobody may take over a live lease. */
  readonly isAlive: boolean;
}

/** Reads the lease; undefined if nobody holds it. One that can't be parsed lasts for a lease's default lifetime. */
export async function readLease(store: ObjectStore): Promise<FoundLease | undefined> {
  const found = await store.get(leaseKey);
  if (found === undefined) return undefined;
  const record = parseRecord(found.body);
  const { etag, ageMs } = found;
  return { record, etag, ageMs, isAlive: ageMs <= (record?.ttlMs ?? defaultTtlMs) };
}

// Others may take and release the lease between a read and a write, but not this many times in a row.
const attemptsWithoutHolder = 5;

/**
 * Takes the lease. It renews itself until it is released.
 *
 * @throws BerthError `LeaseHeld` (exit 4) if somebody else holds it; `StoreGone` if the store itself is gone.
 */
export async function takeLease(store: ObjectStore, options: LeaseOptions): Promise<Lease> {
  const ttlMs = options.ttlMs ?? defaultTtlMs;
  const own: LeaseRecord = {
    id: randomUUID(),
    holder: userInfo().username,
    host: hostname(),
    process: process.pid,
    operation: options.operation,
    since: new Date().toISOString(),
    ttlMs,
    beat: 0,
  };
  const giveUpAtMs = performance.now() + (options.waitMs ?? 0);
  for (let vain = 0; ;) {
    options.signal?.throwIfAborted();
    const found = await readLease(store);
    const holder = found?.record;
    if (found === undefined || !found.isAlive) {
      const sinceRenewed = startStopwatch();
      const outcome = await store.put(leaseKey, JSON.stringify(own), found?.etag);
      if (outcome !== "lost") {
        if (holder !== undefined && found !== undefined) options.onTakeover?.(holder, found.ageMs);
        return new Lease({ store, own, etag: outcome.etag, sinceRenewed });
      }
      // Nobody holds the lease, yet the write fails: the last holder may have removed the stack and its bucket.
      vain = found === undefined ? vain + 1 : 0;
      if (vain >= attemptsWithoutHolder) {
        if (!(await store.exists())) throw storeGone(store.location);
        if (performance.now() >= giveUpAtMs) throw leaseUnseen(store.location);
      }
    } else if (performance.now() >= giveUpAtMs) {
      throw leaseHeld(holder, found.ageMs, store.location);
    } else if (holder !== undefined) {
      options.onWait?.(holder, found.ageMs);
    }
    await sleep(Math.min(1_000, ttlMs / 4), undefined, options.signal ? { signal: options.signal } : {});
  }
}

interface Held {
  readonly store: ObjectStore;
  readonly own: LeaseRecord;
  readonly etag: string;
  /** Started before the write that took the lease. So this run counts at least as much time as the store does. */
  readonly sinceRenewed: Stopwatch;
}

export class Lease {
  readonly #store: ObjectStore;
  #own: LeaseRecord;
  #etag: string;
  #sinceRenewed: Stopwatch;
  #lost = false;
  #released = false;
  #renewing: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(held: Held) {
    this.#store = held.store;
    this.#own = held.own;
    this.#etag = held.etag;
    this.#sinceRenewed = held.sinceRenewed;
    this.#timer = setInterval(() => this.#renewQuietly(), held.own.ttlMs / 3);
    this.#timer.unref();
  }

  /**
   * Called before each write to AWS or state. If most of the lease's lifetime has passed since the last renewal, because the
   * process was frozen, the computer slept or heartbeats failed, the lease is renewed first. If somebody else has taken it, this
   * throws `LeaseLost` and nothing is written.
   */
  async assertHeld(): Promise<void> {
    if (this.#released) return;
    if (!this.#lost && this.#sinceRenewed() > this.#own.ttlMs * 0.6) await this.#renew();
    if (this.#lost) throw leaseLost(this.#store.location);
  }

  /** How long the lease lasts at most without another heartbeat. */
  get leftMs(): number {
    return Math.max(0, this.#own.ttlMs - this.#sinceRenewed());
  }

  /** Releases the lease, unless it was lost or abandoned. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => undefined);
    if (this.#released) return;
    this.#released = true;
    if (!this.#lost) await this.#store.remove(leaseKey, this.#etag);
  }

  /**
   * Stops the heartbeat without releasing the lease, for a teardown that removes the store itself. `assertHeld` no longer checks
   * anything. Returns the etag of the stored lease, which distinguishes it from one that somebody else takes later.
   */
  async abandon(): Promise<string> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => undefined);
    await this.assertHeld();
    this.#released = true;
    return this.#etag;
  }

  // A heartbeat that can't reach the store doesn't lose the lease. `assertHeld` decides before the next write.
  #renewQuietly(): void {
    this.#renew().catch(() => undefined);
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    if (this.#lost || this.#released) return;
    const next = { ...this.#own, beat: this.#own.beat + 1 };
    const sinceRenewed = startStopwatch();
    const outcome = await this.#store.put(leaseKey, JSON.stringify(next), this.#etag);
    if (outcome === "lost") {
      this.#lost = true;
      return;
    }
    this.#own = next;
    this.#etag = outcome.etag;
    this.#sinceRenewed = sinceRenewed;
  }
}
