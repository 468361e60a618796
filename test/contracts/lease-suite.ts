import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import type { LeaseRecord } from "../../state/lease/record.ts";
import { type Lease, leaseKey, readLease, takeLease } from "../../state/lease/lease.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { until } from "../local/temporary-aws.ts";

/** Of one that has to expire. Stores measure age in whole seconds, so it lives for a few seconds. */
const ttlMs = 2_000;
/** Of one that may not expire, however long this process stands still. */
const longMs = 600_000;
/** Longer than any wait. */
const waitMs = 300_000;

/** What a lease must guarantee on every store. */
export function leaseSuite(name: string, open: () => Promise<[ObjectStore, ObjectStore]>): void {
  test(`${name}: a held lease is refused, by whom and for what`, async () => {
    const [one, other] = await open();
    const held = await takeLease(one, { operation: "up", ttlMs: longMs });

    await assert.rejects(takeLease(other, { operation: "down", ttlMs }), (error: unknown) => {
      assert.ok(error instanceof BerthError);
      assert.equal(error.code, "LeaseHeld");
      assert.equal(error.exitCode, 4);
      assert.match(error.message, new RegExp(`process ${process.pid}.*running "up"`));
      return true;
    });
    await held.release();
  });

  test(`${name}: a released lease is free at once`, async () => {
    const [one, other] = await open();
    await (await takeLease(one, { operation: "up", ttlMs })).release();

    const next = await takeLease(other, { operation: "down", ttlMs });

    await next.assertHeld();
    await next.release();
    assert.equal(await one.get(leaseKey), undefined);
  });

  // Run concurrently, because these tests mostly wait.
  describe(`${name}: as time goes by`, { concurrency: true }, () => {
    it("a heartbeat keeps it for longer than its life", async () => {
      const [one, other] = await open();
      const held = await takeLease(one, { operation: "up", ttlMs: 3 * ttlMs });

      // Each renews it for its whole life, and they are a third of that apart.
      await until(async () => ((await readLease(other))?.record?.beat ?? 0) >= 4);

      await assert.rejects(takeLease(other, { operation: "down", ttlMs }), { code: "LeaseHeld" });
      await held.assertHeld();
      await held.release();
    });

    it("one whose holder died is taken over, from whom is told, and the old one may not write", async () => {
      const [one, other] = await open();
      const dead = await takeLease(one, { operation: "up", ttlMs });
      await dead.abandon();
      const took: LeaseRecord[] = [];

      const next = await takeLease(other, {
        operation: "down",
        ttlMs,
        waitMs,
        onTakeover: (from) => took.push(from),
      });

      assert.deepEqual(
        took.map(({ operation, process: pid }) => [operation, pid]),
        [["up", process.pid]],
      );
      await next.release();
    });

    it("a holder that slept through its life and was replaced must stop", async () => {
      const [one, other] = await open();
      const process = freezable(one);
      const sleeper = await takeLease(process.store, { operation: "up", ttlMs });
      process.freeze();
      const next = await takeLease(other, { operation: "down", ttlMs, waitMs });
      process.wake();

      await assert.rejects(sleeper.assertHeld(), { code: "LeaseLost", exitCode: 4 });
      await sleeper.release();
      await next.assertHeld();
      await next.release();
    });
  });

  test(`${name}: a computer that slept, whose monotonic clock stood still, must stop too`, async (t) => {
    const [one, other] = await open();
    const computer = freezable(one);
    const stoodAt = performance.now();
    t.mock.method(performance, "now", () => stoodAt);
    const sleeper = await takeLease(computer.store, { operation: "up", ttlMs });
    computer.freeze();
    const next = await takeLease(other, { operation: "down", ttlMs, waitMs });
    computer.wake();

    await assert.rejects(sleeper.assertHeld(), { code: "LeaseLost", exitCode: 4 });
    await sleeper.release();
    await next.assertHeld();
    await next.release();
  });

  test(`${name}: of twenty at once, one holds and nineteen are told`, async () => {
    const [one, other] = await open();

    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        takeLease(index % 2 === 0 ? one : other, { operation: `run ${index}`, ttlMs: longMs }),
      ),
    );

    const held = attempts.flatMap((attempt): Lease[] =>
      attempt.status === "fulfilled" ? [attempt.value] : [],
    );
    const codes = attempts.flatMap((attempt): unknown[] =>
      attempt.status === "rejected" ? [attempt.reason instanceof BerthError && attempt.reason.code] : [],
    );
    await Promise.all(held.map((lease) => lease.release()));
    assert.equal(held.length, 1);
    assert.deepEqual(
      codes,
      Array.from({ length: 19 }, () => "LeaseHeld"),
    );
  });
}

/** A store as seen by a process that can be frozen: no call leaves it until it is woken. */
function freezable(store: ObjectStore) {
  let isFrozen = false;
  return {
    freeze: () => void (isFrozen = true),
    wake: () => void (isFrozen = false),
    store: {
      ...store,
      put: (key: string, body: string, etag?: string) =>
        isFrozen ? Promise.reject(new Error("frozen")) : store.put(key, body, etag),
    },
  };
}
