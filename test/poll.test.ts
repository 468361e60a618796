import assert from "node:assert/strict";
import { test } from "node:test";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { BerthError } from "../lib/errors.ts";
import { poll, retry, type Look, type PollContext } from "../lib/poll.ts";

function context(signal = new AbortController().signal) {
  const notes: string[] = [];
  const ctx: PollContext = {
    signal,
    note: (text) => notes.push(text),
    timings: { firstMs: 1, longestMs: 2 },
  };
  return { ctx, notes };
}

/** Answers with one after the other, and with the last for ever. */
function looking<T>(...looks: Look<T>[]) {
  let count = 0;
  return {
    look: async () => looks[Math.min(count++, looks.length - 1)] ?? { waiting: "?" },
    count: () => count,
  };
}

test("poll: looks at once, and returns what it found", async () => {
  const { ctx, notes } = context();

  assert.equal(await poll(ctx, { what: "it", timeoutMs: 0, look: async () => ({ done: 7 }) }), 7);
  assert.deepEqual(notes, []);
});

test("poll: tells what stands in the way until it is gone", async () => {
  const { ctx, notes } = context();
  const { look } = looking<string>(
    { waiting: "i-1 is pending" },
    { waiting: "i-1 is booting" },
    { done: "up" },
  );

  assert.equal(await poll(ctx, { what: "i-1", timeoutMs: 60_000, look }), "up");
  assert.deepEqual(notes, ["i-1 is pending", "i-1 is booting"]);
});

test("poll: gives up in the end, naming what it waited for and saw last", async () => {
  const { ctx } = context();
  const waiting = poll(ctx, {
    what: "subnet s-1 to go",
    timeoutMs: 20,
    look: async () => ({ waiting: "held by eni-1" }),
  });

  await assert.rejects(waiting, (error: BerthError) => {
    assert.equal(error.code, "TimedOut");
    assert.match(error.message, /subnet s-1 to go/);
    return error.detail.join().includes("eni-1");
  });
});

test("poll: ends early when it is aborted, after the look in hand", async () => {
  const controller = new AbortController();
  const { ctx } = context(controller.signal);
  const { look, count } = looking<never>({ waiting: "for ever" });
  const waiting = poll(
    { ...ctx, timings: { firstMs: 60_000 } },
    { what: "it", timeoutMs: 120_000, look: async () => (controller.abort(), look()) },
  );

  await assert.rejects(waiting, { code: "Interrupted", exitCode: 130 });
  assert.equal(count(), 1);
});

test("retry: only what heals by itself is tried again", async () => {
  const { ctx } = context();
  const errors = [new RangeError("soon"), new RangeError("soon"), new TypeError("never")];
  let attempts = 0;
  const trying = retry(ctx, {
    what: "it",
    timeoutMs: 60_000,
    retryOn: (error) => error instanceof RangeError,
    attempt: async () => Promise.reject(errors[attempts++]),
  });

  await assert.rejects(trying, { message: "never" });
  assert.equal(attempts, 3);
});

test("poll: pauses for 250 ms, then twice as long each time, up to five seconds and to the end of its time", async (t) => {
  let nowMs = 0;
  const pauses: number[] = [];
  t.mock.method(performance, "now", () => nowMs);
  const slept = t.mock.method(timers, "setTimeout", (pauseMs: number) => {
    pauses.push(pauseMs);
    nowMs += pauseMs;
    return Promise.resolve();
  });
  syncBuiltinESMExports();
  t.after(() => {
    slept.mock.restore();
    syncBuiltinESMExports();
  });
  const ctx: PollContext = { signal: new AbortController().signal, note: () => {} };

  await assert.rejects(
    poll(ctx, { what: "it", timeoutMs: 20_000, look: async () => ({ waiting: "pending" }) }),
    (error: unknown) => {
      assert.ok(error instanceof BerthError);
      assert.equal(error.message, "gave up waiting for it after 20 s");
      assert.deepEqual(error.detail, ["Last seen: pending"]);
      assert.equal(error.hint, "run the same command again: it goes on where this one stopped");
      return true;
    },
  );

  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 2_250]);
});

test("poll: has the hint of whoever waits", async () => {
  const { ctx } = context();
  const waiting = poll(ctx, { what: "it", timeoutMs: 0, hint: "look", look: async () => ({ waiting: "?" }) });

  await assert.rejects(waiting, { code: "TimedOut", hint: "look" });
});

test("retry: tells what AWS answered, each time", async () => {
  const { ctx, notes } = context();
  const answers: unknown[] = [new Error("not yet"), "no error"];

  const made = await retry(ctx, {
    what: "role",
    timeoutMs: 60_000,
    retryOn: () => true,
    attempt: async () => {
      const [answer] = answers.splice(0, 1);
      if (answer !== undefined) throw answer;
      return "made";
    },
  });

  assert.equal(made, "made");
  assert.deepEqual(notes, ["role: not yet", "role: no error"]);
});
