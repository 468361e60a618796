import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";
import { parseRecord } from "../../../state/lease/record.ts";
import { leaseKey, readLease, takeLease } from "../../../state/lease/lease.ts";
import type { ObjectStore } from "../../../state/object-store.ts";
import { openMemoryStore } from "../memory-store.ts";
import { theirs } from "./their-lease.ts";

const operation = "up";
const beatOf = async (store: ObjectStore) => parseRecord((await store.get(leaseKey))?.body ?? "")?.beat;

/** A clock that the test moves, and the heartbeats with it. */
function openClock(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 1_000;
  t.mock.method(performance, "now", () => nowMs);
  t.mock.method(Date, "now", () => 1_800_000_000_000 + nowMs);
  return {
    pass: async (ms: number) => {
      nowMs += ms;
      t.mock.timers.tick(ms);
      await nextTurn();
    },
  };
}

describe("the heartbeat of a lease", () => {
  it("comes three times in its life, for as long as it is held", async (t) => {
    const clock = openClock(t);
    const store = openMemoryStore();
    const lease = await takeLease(store, { operation, ttlMs: 30_000 });

    await clock.pass(9_999);
    assert.equal(await beatOf(store), 0);
    assert.equal(lease.leftMs, 20_001);
    await clock.pass(1);
    assert.equal(await beatOf(store), 1);
    assert.equal(lease.leftMs, 30_000);
    for (let beat = 0; beat < 9; beat += 1) await clock.pass(10_000);
    assert.equal(await beatOf(store), 10);
    await lease.release();
  });

  it("keeps the time at zero when it fails for too long, and doesn't end the process", async (t) => {
    const clock = openClock(t);
    const store = openMemoryStore();
    let isReachable = true;
    const put: ObjectStore["put"] = (...args) =>
      isReachable ? store.put(...args) : Promise.reject(new Error("no network"));
    const lease = await takeLease({ ...store, put }, { operation, ttlMs: 30_000 });

    isReachable = false;
    await clock.pass(10_000);
    assert.equal(lease.leftMs, 20_000);
    await clock.pass(40_000);
    assert.equal(lease.leftMs, 0);
    await lease.release();
  });

  for (const way of ["release", "abandon"] as const)
    it(`ends with it: ${way}`, async (t) => {
      const clock = openClock(t);
      const store = openMemoryStore();
      const lease = await takeLease(store, { operation, ttlMs: 30_000 });

      await lease[way]();
      const before = store.changes.length;
      await clock.pass(60_000);

      assert.equal(store.changes.length, before);
      await lease.assertHeld();
      assert.equal(store.changes.length, before);
    });

  it("that is under way is waited for: what is given back is the lease as it was renewed", async (t) => {
    const clock = openClock(t);
    const store = openMemoryStore();
    const put: ObjectStore["put"] = async (...args) => {
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      return store.put(...args);
    };
    const lease = await takeLease({ ...store, put }, { operation, ttlMs: 30_000 });

    await clock.pass(10_000);
    assert.equal(await beatOf(store), 0);
    await lease.release();

    assert.equal(await store.get(leaseKey), undefined);
  });

  it("is not doubled by a write that renews it as well", async (t) => {
    const clock = openClock(t);
    const store = openMemoryStore();
    const put: ObjectStore["put"] = async (...args) => {
      await nextTurn();
      await nextTurn();
      return store.put(...args);
    };
    const lease = await takeLease({ ...store, put }, { operation, ttlMs: 30_000 });

    await clock.pass(20_000);
    await lease.assertHeld();

    assert.equal(await beatOf(store), 1);
    await lease.release();
  });

  it("takes nothing away from who took it over, and asks no more once that is known", async (t) => {
    const clock = openClock(t);
    const store = openMemoryStore();
    const puts: string[] = [];
    const removals: string[] = [];
    const watched: ObjectStore = {
      ...store,
      put: (key, ...rest) => {
        puts.push(key);
        return store.put(key, ...rest);
      },
      remove: (key, etag) => {
        removals.push(key);
        return store.remove(key, etag);
      },
    };
    const lease = await takeLease(watched, { operation, ttlMs: 30_000 });
    store.set(leaseKey, JSON.stringify(theirs));

    await clock.pass(10_000);
    const asked = puts.length;
    await clock.pass(10_000);
    await assert.rejects(lease.assertHeld(), { code: "LeaseLost" });
    await lease.release();

    assert.equal(puts.length, asked);
    assert.deepEqual(removals, []);
  });
});

it("a lease is given back once, however often that is asked", async () => {
  const store = openMemoryStore();
  const lease = await takeLease(store, { operation });

  await lease.release();
  const next = await takeLease(store, { operation: "down" });
  await lease.release();

  assert.equal((await readLease(store))?.record?.operation, "down");
  await next.release();
  assert.deepEqual(store.changes, [
    "put lease.json",
    "remove lease.json",
    "put lease.json",
    "remove lease.json",
  ]);
});

it("nobody holds what was given back, or never taken", async () => {
  const store = openMemoryStore();
  assert.equal(await readLease(store), undefined);
  await (await takeLease(store, { operation })).release();
  assert.equal(await readLease(store), undefined);
});
