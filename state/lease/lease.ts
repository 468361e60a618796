import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { leaseHeld, leaseLost, storeGone } from "./errors.ts";
import { defaultTtlMs, type LeaseRecord, parseRecord } from "./record.ts";
import type { ObjectStore } from "../object-store.ts";
import { startStopwatch, type Stopwatch } from "./stopwatch.ts";

export interface LeaseOptions {
  readonly operation: string;
  /** After this long without a heartbeat, by the store's clock, anybody may take it over. */
  readonly ttlMs?: number;
  /** Wait this long for somebody else's lease before giving up. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  readonly onTakeover?: (from: LeaseRecord, ageMs: number) => void;
  readonly onWait?: (holder: LeaseRecord, ageMs: number) => void;
}

export const leaseKey = "lease.json";

/** A lease as somebody else finds it. */
export interface FoundLease {
  /** Absent when it can't be read: it holds all the same. */
  readonly record: LeaseRecord | undefined;
  readonly etag: string;
  /** Milliseconds since the last heartbeat, by the store's clock. */
  readonly ageMs: number;
  /** Not expired yet: nobody may take it over. */
  readonly isAlive: boolean;
}

/** Undefined when nobody holds it. One that can't be read holds for the usual life of a lease. */
export async function readLease(store: ObjectStore): Promise<FoundLease | undefined> {
  const found = await store.get(leaseKey);
  if (found === undefined) return undefined;
  const record = parseRecord(found.body);
  const { etag, ageMs } = found;
  return { record, etag, ageMs, isAlive: ageMs <= (record?.ttlMs ?? defaultTtlMs) };
}

// Others may have it and give it back between two looks, but not so many times in a row.
const attemptsWithoutHolder = 5;

/** Takes the lease or throws BerthError `LeaseHeld` (exit 4), or `StoreGone` where nothing can be stored any more. The returned lease keeps itself alive until released. */
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
      // Nobody holds it and yet it can't be had: a holder who took the stack down took the bucket too.
      vain = found === undefined ? vain + 1 : 0;
      if (vain === attemptsWithoutHolder) throw storeGone(store.location);
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
  /** Started before the write that made it ours: the store's clock started later, never earlier. */
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
   * Asked before each write to AWS or state. If the last renewal is most of the lease's life ago, because the process was
   * frozen, the computer slept or heartbeats failed, it is renewed first; if it is somebody else's by now, this throws
   * `LeaseLost` and nothing is written.
   */
  async assertHeld(): Promise<void> {
    if (this.#released) return;
    if (!this.#lost && this.#sinceRenewed() > this.#own.ttlMs * 0.6) await this.#renew();
    if (this.#lost) throw leaseLost(this.#store.location);
  }

  /** How long it holds at most without another heartbeat. */
  get leftMs(): number {
    return Math.max(0, this.#own.ttlMs - this.#sinceRenewed());
  }

  /** Gives it back, unless it was lost or abandoned. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => undefined);
    if (this.#released) return;
    this.#released = true;
    if (!this.#lost) await this.#store.remove(leaseKey, this.#etag);
  }

  /**
   * Stops the heartbeat without giving back, for the one run that removes the store itself: from here on it isn't asked any
   * more. Returns the etag of what is stored, by which a taker's can be told from it.
   */
  async abandon(): Promise<string> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => undefined);
    await this.assertHeld();
    this.#released = true;
    return this.#etag;
  }

  // A heartbeat that can't reach the store is no loss yet; assertHeld decides when it matters.
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
