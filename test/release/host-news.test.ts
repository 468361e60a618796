import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostNewsLines, hostNewsOf } from "../../lib/release/host-news.ts";
import { parseHostReport } from "../../lib/release/reports.ts";
import { findShortfalls } from "../../lib/release/shortfall.ts";
import { at } from "./releases.ts";

const last = { at: "2026-11-26T10:00:00Z", reason: "app-4-0 was killed for memory", cause: "memory" };
const failed = {
  release: 4,
  status: "failed",
  serves: 3,
  reason: "app-4-0 stopped by itself: exit code 3",
  at,
};

const read = (fields: object) =>
  parseHostReport(JSON.stringify({ release: 4, status: "serving", at, ...fields }), "i-1");
const newsOf = (fields: object) => {
  const { report = assert.fail("unreadable") } = read(fields);
  return hostNewsOf(report);
};

describe("what a host knows of its replicas", () => {
  it("is nothing as long as all is well", () => {
    assert.equal(newsOf({ serves: 4, upstream: { tries: 1, errors: 0 } }), undefined);
    assert.deepEqual(hostNewsLines(undefined), []);
  });

  it("is how often they ended, and why the last one did", () => {
    const restarts = { count: 3, last };
    assert.deepEqual(newsOf({ restarts }), { restarts });
    assert.deepEqual(hostNewsLines({ restarts }), [
      "restarts    3, the last at 2026-11-26T10:00:00Z: app-4-0 was killed for memory",
    ]);
    assert.deepEqual(hostNewsLines({ restarts: { count: 1 } }), ["restarts    1"]);
  });

  it("is why a release failed, with the end of its log and what to do", () => {
    const news = newsOf({ ...failed, cause: "exit", log: ["one", "Read-only file system: 'uploads'"] });
    const hint =
      "the disk is read-only except for /tmp: let the app write there, or set app.writable to true; the lines above are the end of its log";
    const { release, reason } = failed;
    const log = ["one", "Read-only file system: 'uploads'"];
    assert.deepEqual(news, { failure: { release, reason, cause: "exit", hint, log } });
    assert.deepEqual(hostNewsLines(news), [
      "failed      release 4: app-4-0 stopped by itself: exit code 3",
      "            | one",
      "            | Read-only file system: 'uploads'",
      `            ${hint}`,
    ]);
  });

  it("is what the host can't do at the moment", () => {
    const news = newsOf({ trouble: "the edge: nginx: no" });
    assert.deepEqual(hostNewsLines(news), ["trouble     the edge: nginx: no"]);
  });

  it("is which agent was refused, why, and which one goes on", () => {
    const [refused, running] = ["b".repeat(64), "a".repeat(64)];
    const reason = "it ended 3 times: NameError";
    const news = newsOf({ agent: { sha256: running, failed: { sha256: refused, at, reason } } });
    assert.deepEqual(news, { agent: { refused, reason, running, isRetried: false } });
    assert.deepEqual(hostNewsLines(news), [
      "refused     agent bbbbbbbbbbbb: it ended 3 times: NameError",
      "            agent aaaaaaaaaaaa goes on; run up with another version of Berth; to try this one again, remove agent.json from the state bucket first",
    ]);
    const waiting = { sha256: refused, at, reason: "the host's disk is full" };
    assert.deepEqual(hostNewsLines(newsOf({ agent: { sha256: running, waiting } })), [
      "postponed   agent bbbbbbbbbbbb: the host's disk is full",
      "            agent aaaaaaaaaaaa goes on; the host tries again by itself; make room on its disk, or raise instance.diskGib, and run up again",
    ]);
    assert.equal(newsOf({ agent: { sha256: running } }), undefined);
  });

  it("is cut where a host sends too much, and a word that nobody knows is no harm", () => {
    const long = "x".repeat(5_000);
    const news = newsOf({
      ...failed,
      reason: long,
      cause: long,
      trouble: long,
      restarts: { count: 1, last: { at, reason: long } },
    });
    const { restarts, failure, trouble } = news ?? assert.fail("nothing");
    const texts = [restarts?.last?.reason, failure?.reason, trouble];
    assert.deepEqual(
      texts.map((text) => text?.length),
      [1_000, 1_000, 1_000],
    );
    assert.equal(failure?.cause?.length, 32);
    assert.equal(failure?.hint, "fix the app or its configuration; then run up again");
    for (const wrong of [{ restarts: { count: -1 } }, { restarts: 3 }, { trouble: [] }, { cause: 7 }])
      assert.notEqual(read(wrong).problem, undefined);
  });
});

describe("a release that failed", () => {
  it("is explained by up with its cause, its log and what to do about it", () => {
    const told = read({
      ...failed,
      reason: "app-4-0 was killed for memory",
      cause: "memory",
      log: ["loading"],
    });
    const [{ failure } = {}] = findShortfalls("i-1", { release: 4 }, told);
    assert.deepEqual(failure, {
      code: "ReleaseUnhealthy",
      message: "release 4 failed on i-1: app-4-0 was killed for memory; release 3 still serves",
      hint: "raise app.memoryMib or let the app need less; what it keeps in /tmp counts too; the lines above are the end of its log",
      log: ["loading"],
    });
  });

  it("is waited for while the host has trouble, and the trouble is told", () => {
    const told = read({ status: "starting", trouble: "the edge: nginx: no" });
    const [one] = findShortfalls("i-1", { release: 4 }, told);
    assert.deepEqual(
      [one?.observed, one?.problem, one?.failure],
      ["release 4 starting, but the edge: nginx: no", "i-1: the edge: nginx: no", undefined],
    );
    assert.deepEqual(findShortfalls("i-1", { release: 4 }, read({ trouble: "the edge's log: no" })), []);
  });
});
