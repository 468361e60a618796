import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { awaitRecorded } from "../../lib/release/recorded-wait.ts";
import { historyOf, readRecords } from "../../lib/release/history.ts";
import { historyLines } from "../../lib/release/history-lines.ts";
import {
  ensureRecord,
  keepEnd,
  keepRecord,
  readRecord,
  recordKey,
  recordOf,
  summaryOf,
} from "../../lib/release/record.ts";
import { hostReportKey, type HostReport } from "../../lib/release/reports.ts";
import { openMemoryStore } from "../state/memory-store.ts";
import { at, published } from "./releases.ts";

const by = "arn:aws:iam::123456789012:user/ann";
const image = `registry/app@sha256:${"2d7e61f0a1b2".padEnd(64, "0")}`;
const commit = "0a29b2f".repeat(6).slice(0, 40);
const release = (number: number) => ({
  ...published,
  number,
  by,
  image,
  commit,
  isClean: true,
  source: "src-1",
});
const hosts = ["i-1"];
const served = { result: "served", at, seconds: { build: 2, hosts: 12.5 } } as const;
const say = (number: number, status: HostReport["status"], serves?: number): HostReport => ({
  instance: "i-1",
  release: number,
  status,
  at,
  ...(serves === undefined ? {} : { serves }),
});

async function openHistory() {
  const store = openMemoryStore();
  const keep = async (number: number, { ends = true, beforeServed = true } = {}) => {
    const before = {
      number: number - 1,
      image,
      at,
      by,
      result: beforeServed ? ("served" as const) : undefined,
    };
    const stored = await keepRecord(
      store,
      recordOf(release(number), { hosts, ...(number > 1 ? { before } : {}) }),
    );
    if (ends) await keepEnd(store, stored, served);
  };
  const results = async (newest: number, reports: readonly HostReport[] = []) => {
    const records = await readRecords(store, { newest, count: 20 });
    return historyOf(records, { release: release(newest), reports });
  };
  return { store, keep, results };
}

describe("the record of a release", () => {
  it("has all that was published, and no value that may be a secret", async () => {
    const store = openMemoryStore();
    const environment = { MODE: "fast", API_KEY: "hunter2-x9Kq", DATABASE: "postgres://u:geheim@db/shop" };

    await keepRecord(store, recordOf({ ...release(4), environment }, { hosts }));

    const body = (await store.get(recordKey(4)))?.body ?? "";
    assert.doesNotMatch(body, /hunter2|geheim/);
    const { record } = await readRecord(store, 4);
    assert.deepEqual(
      [record?.number, record?.by, record?.image, record?.commit, record?.source, record?.isClean],
      [4, by, image, commit, "src-1", true],
    );
    assert.deepEqual(
      ["replicas", "environment.MODE", "environment.API_KEY", "environment.DATABASE", "edge.bodyMib"].map(
        (field) => record?.settings[field],
      ),
      ["2", "fast", "(a value)", "(a value)", "10"],
    );
  });

  it("is written once: a stranger's object and an earlier release of the number stay", async () => {
    const store = openMemoryStore();
    store.set(recordKey(4), "theirs");
    const stored = await keepRecord(store, recordOf(release(4), { hosts }));
    await keepEnd(store, stored, served);
    assert.equal((await store.get(recordKey(4)))?.body, "theirs");
    assert.deepEqual(await ensureRecord(store, recordOf(release(4), { hosts })), {});

    const other = { ...release(5), at: "2020-01-01T00:00:00.000Z" };
    await keepRecord(store, recordOf(other, { hosts }));
    const mine = await ensureRecord(store, recordOf(release(5), { hosts }));
    await keepEnd(store, mine, served);
    const { record } = await readRecord(store, 5);
    assert.deepEqual([record?.at, record?.end], [other.at, undefined]);
  });

  it("gets its end once, by whichever run sees it", async () => {
    const store = openMemoryStore();
    const kept = recordOf(release(4), { hosts });
    await keepRecord(store, kept);

    await keepEnd(store, await ensureRecord(store, kept), { ...served, result: "failed", reason: "boom" });
    await keepEnd(store, await ensureRecord(store, kept), served);

    assert.deepEqual((await readRecord(store, 4)).record?.end, {
      ...served,
      result: "failed",
      reason: "boom",
    });
  });

  it("says that the hosts serve it, or which one gave up and why; and nothing if nobody knows", async () => {
    const ends = [];
    for (const report of [
      say(4, "serving", 4),
      { ...say(4, "failed", 3), reason: "app-4-0 exited with 1" },
      say(3, "serving", 3),
    ]) {
      const store = openMemoryStore();
      store.set(hostReportKey("i-1"), JSON.stringify(report));
      const stored = await keepRecord(store, recordOf(release(4), { hosts }));
      const ctx = { signal: new AbortController().signal, note: () => undefined };
      const awaited = { store, hosts, desired: { release: 4 }, patienceMs: 0, diagnose: async () => [] };
      await awaitRecorded(ctx, awaited, { stored, phases: { build: 2 } }).catch(() => undefined);
      const { result, reason, seconds } = (await readRecord(store, 4)).record?.end ?? {};
      ends.push([result, reason, seconds?.["build"]]);
    }
    assert.deepEqual(ends, [
      ["served", undefined, 2],
      ["failed", "release 4 failed on i-1: app-4-0 exited with 1; release 3 still serves", 2],
      [undefined, undefined, undefined],
    ]);
  });
});

describe("the history", () => {
  it("has every release, newest first, and says what became of it", async () => {
    const { keep, results } = await openHistory();
    for (const number of [1, 2]) await keep(number);
    await keep(3, { ends: false });

    const rows = await results(3, [say(3, "failed", 2)]);

    assert.deepEqual(
      rows.map(({ number, result }) => [number, result]),
      [
        [3, "failed"],
        [2, "serves"],
        [1, "served"],
      ],
    );
    const waiting = await results(3, [say(2, "serving", 2)]);
    assert.deepEqual(
      waiting.map(({ result }) => result),
      ["starting", "serves", "served"],
    );
  });

  it("knows what is lost by the published release, and by the record after it", async () => {
    const { store, keep, results } = await openHistory();
    for (const number of [1, 2, 3]) await keep(number);
    const lose = async (number: number) => {
      const { etag = "" } = (await store.get(recordKey(number))) ?? {};
      await store.remove(recordKey(number), etag);
    };
    await lose(2);
    await lose(3);
    await keep(3, { ends: false });
    await lose(4);

    const rows = await results(4);

    assert.deepEqual(
      rows.map(({ number, result, by: who, at: when }) => [number, result, who, when]),
      [
        [4, "starting", by, at],
        [3, "unknown", by, at],
        [2, "served", by, at],
        [1, "served", by, at],
      ],
    );
    assert.equal(rows[0]?.settings?.["replicas"], "2");
  });

  it("says that a release served which a host had given up at first, also once the host serves another one", async () => {
    const { store, keep, results } = await openHistory();
    await keep(1);
    const reason = "release 2 failed on i-1: the host's disk is full; release 1 still serves";
    const stored = await keepRecord(store, recordOf(release(2), { hosts }));
    await keepEnd(store, stored, { ...served, result: "failed", reason });
    const failing = (await results(2, [say(2, "failed", 1)]))[0];
    assert.deepEqual([failing?.result, failing?.reason], ["failed", reason]);

    const late = await results(2, [say(2, "serving", 2)]);
    assert.equal(late[0]?.result, "serves");
    assert.ok(historyLines(late).includes(`    at first: ${reason}`));

    await keep(3);
    const [, afterwards] = await results(3, [say(3, "serving", 3)]);
    assert.deepEqual([afterwards?.number, afterwards?.result], [2, "served"]);
    await keep(3, { beforeServed: false });
  });

  it("survives whatever lies in place of a record, and names it", async () => {
    const { store, keep, results } = await openHistory();
    await keep(2);
    const bodies = ["{", "{}", "null", "x".repeat(2 << 20), JSON.stringify(recordOf(release(9), { hosts }))];
    for (const body of bodies) {
      store.set(recordKey(1), body);
      const [, row] = await results(2);
      assert.deepEqual([row?.number, row?.result, row?.at], [1, "served", at]);
      assert.match(row?.problem ?? "", /^releases\/1\.json is no record: /);
    }
  });

  it("believes no record of another release of the number", async () => {
    const { store, results } = await openHistory();
    await keepRecord(
      store,
      recordOf({ ...release(1), at: "2020-01-01T00:00:00.000Z", by: "eve" }, { hosts }),
    );

    const [row] = await results(1);

    assert.deepEqual([row?.by, row?.at], [by, at]);
  });

  it("reads no more than it is asked for", async () => {
    const { store } = await openHistory();
    const records = await readRecords(store, { newest: 1_000_000_000, count: 45 });
    assert.deepEqual([records.size, [...records.keys()].at(-1)], [45, 999_999_956]);
  });

  it("is a table", async () => {
    const { store, keep, results } = await openHistory();
    await keep(1);
    const rolledBack = { from: 2, to: 1 };
    const stored = await keepRecord(
      store,
      recordOf({ ...release(2), isClean: false, rolledBack }, { hosts }),
    );
    await keepEnd(store, stored, {
      ...served,
      result: "failed",
      reason: "release 2 failed on i-1: no answer",
    });

    assert.deepEqual(
      historyLines([...(await results(2, [say(2, "failed", 1)])), { number: 0, result: "unknown" }]),
      [
        "   release  published             by        commit         image         took",
        "2  failed   2026-11-21 10:00 UTC  user/ann  0a29b2f0a29b*  2d7e61f0a1b2  12.5 s",
        "    rolled back from 2 to 1",
        "    release 2 failed on i-1: no answer",
        "1  serves   2026-11-21 10:00 UTC  user/ann  0a29b2f0a29b   2d7e61f0a1b2  12.5 s",
        "0  unknown  not on record",
      ],
    );
    assert.deepEqual(historyLines([]), ["no release yet"]);
  });
});

describe("what a record repeats of the release before", () => {
  it("has its end, as all hosts that were to serve it tell", () => {
    const told = (...reports: HostReport[]) => {
      const found = { release: release(4), reports: new Map(reports.map((one) => [one.instance, one])) };
      return summaryOf(found, ["i-1"]).result;
    };
    assert.deepEqual(
      [
        told(say(4, "serving", 4)),
        told(say(4, "failed", 3)),
        told(say(4, "starting")),
        told(say(3, "serving")),
      ],
      ["served", "failed", undefined, undefined],
    );
    assert.equal(told({ ...say(4, "serving", 4), instance: "i-0" }), undefined);
  });
});
