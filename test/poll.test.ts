import assert from "node:assert/strict";
import { test } from "node:test";
import type { BerthError } from "../lib/errors.ts";
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
