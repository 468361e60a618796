import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { describe, it, type TestContext } from "node:test";
import { leaseKey, readLease, takeLease } from "../../../state/lease/lease.ts";
import type { ObjectStore } from "../../../state/object-store.ts";
import { openMemoryStore } from "../memory-store.ts";
import { theirs } from "./their-lease.ts";

const operation = "up";

/** Every pause ends at once, and is written down. */
function recordPauses(t: TestContext, onPause: () => void = () => undefined): number[] {
  const pauses: number[] = [];
  const mocked = t.mock.method(timers, "setTimeout", async (ms: number) => {
    pauses.push(ms);
    onPause();
  });
  syncBuiltinESMExports();
  t.after(() => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  });
  return pauses;
}

describe("waiting for a lease", () => {
  it("looks once a second, or four times in a life that is shorter than that", async (t) => {
    for (const [ttlMs, pauseMs] of [
      [30_000, 1_000],
      [2_000, 500],
    ] as const) {
      const store = openMemoryStore();
      store.set(leaseKey, JSON.stringify({ ...theirs, ttlMs: 9_999_000 }));
      const pauses = recordPauses(t, () => store.pass(2_500_000));

      const lease = await takeLease(store, { operation, ttlMs, waitMs: 600_000 });

      assert.deepEqual(
        pauses,
        Array.from({ length: 4 }, () => pauseMs),
      );
      await lease.release();
      t.mock.restoreAll();
      syncBuiltinESMExports();
    }
  });

  it("tells nothing of a takeover where nobody held it, and of nobody whose record can't be read", async (t) => {
    const told: string[] = [];
    const onTakeover = ({ id }: { id: string }) => void told.push(id);
    const onWait = ({ id }: { id: string }) => void told.push(id);
    const unreadable = openMemoryStore();
    unreadable.set(leaseKey, "{");
    recordPauses(t, () => unreadable.pass(20_000));

    const leases = [
      await takeLease(openMemoryStore(), { operation, onTakeover }),
      await takeLease(unreadable, { operation, waitMs: 600_000, onTakeover, onWait }),
    ];

    assert.deepEqual(told, []);
    for (const lease of leases) await lease.release();
  });

  it("goes on when somebody else was faster", async (t) => {
    recordPauses(t);
    const store = openMemoryStore();
    let faster = 3;
    const put: ObjectStore["put"] = (...args) =>
      (faster -= 1) >= 0 ? Promise.resolve("lost" as const) : store.put(...args);

    const lease = await takeLease({ ...store, put }, { operation });

    assert.equal((await readLease(store))?.record?.operation, "up");
    await lease.release();
  });

  it("ends after five attempts in vain at a store that is gone", async (t) => {
    const pauses = recordPauses(t);
    const put = () => Promise.resolve("lost" as const);
    const store = { ...openMemoryStore(), put, exists: () => Promise.resolve(false) };

    await assert.rejects(takeLease(store, { operation }), {
      code: "StoreGone",
      exitCode: 4,
      message: /^memory is gone, so nobody can take its lease/,
      hint: "look at what is there (plan), then run the same command again",
    });
    assert.equal(pauses.length, 4);
  });

  it("is told as held at a store that is there, takes nothing and shows nothing", async (t) => {
    const pauses = recordPauses(t);
    const store = { ...openMemoryStore(), put: () => Promise.resolve("lost" as const) };

    await assert.rejects(takeLease(store, { operation }), {
      code: "LeaseHeld",
      exitCode: 4,
      message: /^memory is held by somebody, but doesn't show by whom/,
    });
    assert.equal(pauses.length, 4);
  });

  it("doesn't end so where one who is dead by now holds it in between", async (t) => {
    const store = openMemoryStore();
    let puts = 0;
    const put: ObjectStore["put"] = (...args) => {
      puts += 1;
      return puts <= 8 ? Promise.resolve("lost" as const) : store.put(...args);
    };
    recordPauses(t, () => {
      if (puts !== 4) return;
      store.set(leaseKey, JSON.stringify(theirs));
      store.pass(60_001);
    });

    const lease = await takeLease({ ...store, put }, { operation });

    assert.equal(puts, 9);
    await lease.release();
  });
});
