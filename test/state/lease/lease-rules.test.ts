import assert from "node:assert/strict";
import { hostname, userInfo } from "node:os";
import { describe, it, type TestContext } from "node:test";
import { BerthError } from "../../../lib/errors.ts";
import { type LeaseRecord, parseRecord } from "../../../state/lease/record.ts";
import { leaseKey, readLease, takeLease } from "../../../state/lease/lease.ts";
import type { ObjectStore } from "../../../state/object-store.ts";
import { openMemoryStore } from "../memory-store.ts";
import { theirs } from "./their-lease.ts";

const held = (record: Partial<LeaseRecord> = {}, ageMs = 0) => {
  const store = openMemoryStore();
  store.set(leaseKey, JSON.stringify({ ...theirs, ...record }));
  store.pass(ageMs);
  return store;
};
const storedIn = async (store: ObjectStore) => parseRecord((await store.get(leaseKey))?.body ?? "");

/** The clocks of this process, which stand still until they are moved. */
function stopClocks(t: TestContext) {
  const clock = { nowMs: 1_000 };
  t.mock.method(performance, "now", () => clock.nowMs);
  t.mock.method(Date, "now", () => 1_800_000_000_000 + clock.nowMs);
  return clock;
}

describe("a lease that somebody holds", () => {
  it("is theirs for as long as they said, whatever the taker's own would live", async () => {
    const store = held({}, 60_000);

    await assert.rejects(takeLease(store, { operation: "up", ttlMs: 1_000 }), { code: "LeaseHeld" });
    assert.equal((await readLease(store))?.isAlive, true);

    store.pass(1);
    assert.equal((await readLease(store))?.isAlive, false);
    const lease = await takeLease(store, { operation: "up", ttlMs: 1_000 });
    await lease.release();
  });

  it("is told with who holds it, for what, since when, how old its heartbeat is and when it ends", async () => {
    const taking = takeLease(held({}, 12_000), { operation: "up" });

    await assert.rejects(taking, (error: unknown) => {
      assert.ok(error instanceof BerthError);
      assert.equal(error.exitCode, 4);
      assert.equal(
        error.message,
        'memory is held by ann@elsewhere (process 7), running "down" since 2026-11-21T10:00:00.000Z; last heartbeat 12 s ago',
      );
      assert.match(error.hint ?? "", /taken over 60 s after its last heartbeat/);
      return true;
    });
  });

  it("holds for 30 seconds when it can't be read", async () => {
    const store = openMemoryStore();
    store.set(leaseKey, "{");
    store.pass(30_000);

    await assert.rejects(takeLease(store, { operation: "up" }), { message: /held by an unknown holder/ });
    assert.deepEqual(await readLease(store), {
      record: undefined,
      etag: "version-1",
      ageMs: 30_000,
      isAlive: true,
    });
    store.pass(1);
    assert.equal((await readLease(store))?.isAlive, false);
  });

  it("can be waited for, and the wait can be given up", async () => {
    const controller = new AbortController();
    const waitedFor: string[] = [];
    const taking = takeLease(held(), {
      operation: "up",
      waitMs: 600_000,
      signal: controller.signal,
      onWait: (holder, ageMs) => {
        waitedFor.push(`${holder.holder} ${String(ageMs)}`);
        controller.abort(new Error("stopped"));
      },
    });

    await assert.rejects(taking, { name: "AbortError" });
    assert.deepEqual(waitedFor, ["ann 0"]);
  });

  it("isn't asked for at all after an abort", async () => {
    const store = openMemoryStore();
    const signal = AbortSignal.abort(new Error("stopped"));

    await assert.rejects(takeLease(store, { operation: "up", signal }), /stopped/);
    assert.deepEqual(store.changes, []);
  });
});

describe("a lease that was taken", () => {
  it("names its holder in the store, by an id that no other has", async () => {
    const records: (LeaseRecord | undefined)[] = [];
    for (const operation of ["up", "down"]) {
      const store = openMemoryStore();
      const lease = await takeLease(store, { operation });
      records.push(await storedIn(store));
      await lease.release();
    }

    const [first, second] = records;
    assert.deepEqual(
      { ...first, id: "", since: "" },
      {
        id: "",
        holder: userInfo().username,
        host: hostname(),
        process: process.pid,
        operation: "up",
        since: "",
        ttlMs: 30_000,
        beat: 0,
      },
    );
    assert.notEqual(first?.id, second?.id);
  });

  it("is renewed before a write when more than six tenths of its life are over, and not before", async (t) => {
    const clock = stopClocks(t);
    const store = openMemoryStore();
    const lease = await takeLease(store, { operation: "up", ttlMs: 10_000 });

    clock.nowMs += 6_000;
    await lease.assertHeld();
    assert.equal((await storedIn(store))?.beat, 0);
    clock.nowMs += 1;
    await lease.assertHeld();
    assert.equal((await storedIn(store))?.beat, 1);
    await lease.assertHeld();
    assert.equal((await storedIn(store))?.beat, 1);
    await lease.release();
  });

  it("stops its holder when the renewal can't reach the store", async (t) => {
    const clock = stopClocks(t);
    const store = openMemoryStore();
    let isReachable = true;
    const put: ObjectStore["put"] = (...args) =>
      isReachable ? store.put(...args) : Promise.reject(new Error("no network"));
    const lease = await takeLease({ ...store, put }, { operation: "up", ttlMs: 10_000 });

    isReachable = false;
    clock.nowMs += 9_000;
    await assert.rejects(lease.assertHeld(), /no network/);
    isReachable = true;
    await lease.assertHeld();
    await lease.release();
    assert.equal(await store.get(leaseKey), undefined);
  });

  it("stays lost once it was lost, and what took its place is left alone", async (t) => {
    const clock = stopClocks(t);
    const store = openMemoryStore();
    const lease = await takeLease(store, { operation: "up", ttlMs: 10_000 });
    store.set(leaseKey, JSON.stringify(theirs));
    clock.nowMs += 9_000;
    const before = store.changes.length;

    for (let write = 0; write < 2; write += 1)
      await assert.rejects(lease.assertHeld(), { code: "LeaseLost", exitCode: 4, message: /memory/ });
    await lease.release();

    assert.equal((await storedIn(store))?.id, "theirs");
    assert.equal(store.changes.length, before);
  });

  it("isn't abandoned when it is somebody else's by now", async (t) => {
    const clock = stopClocks(t);
    const store = openMemoryStore();
    const lease = await takeLease(store, { operation: "down", ttlMs: 10_000 });
    store.set(leaseKey, JSON.stringify(theirs));
    clock.nowMs += 9_000;

    await assert.rejects(lease.abandon(), { code: "LeaseLost" });
  });

  it("is no longer asked for after it was abandoned, and stays in the store", async () => {
    const store = openMemoryStore();
    const lease = await takeLease(store, { operation: "down" });

    const etag = await lease.abandon();
    store.set(leaseKey, JSON.stringify(theirs));
    await lease.assertHeld();
    await lease.release();

    assert.equal(etag, "version-1");
    assert.equal((await storedIn(store))?.id, "theirs");
  });

  it("tells from whom it was taken over, and how long that one was silent", async () => {
    const told: [string, number][] = [];
    const lease = await takeLease(held({}, 61_000), {
      operation: "up",
      onTakeover: ({ holder }, ageMs) => told.push([holder, ageMs]),
    });
    await lease.release();

    assert.deepEqual(told, [["ann", 61_000]]);
  });
});
