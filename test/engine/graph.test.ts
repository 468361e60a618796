import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, it } from "node:test";
import { runGraph } from "../../lib/engine/graph.ts";

const node = (name: string, ...needs: string[]) => ({ name, needs });

/** A run whose every node ends when the test says so. */
function startRun(
  nodes: readonly ReturnType<typeof node>[],
  { limit = 8, signal = new AbortController().signal }: { limit?: number; signal?: AbortSignal } = {},
) {
  const begun: string[] = [];
  const open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const run = runGraph(
    nodes,
    ({ name }) => {
      begun.push(name);
      return new Promise<void>((resolve, reject) => open.set(name, { resolve, reject }));
    },
    { limit, signal },
  );
  let ended = false;
  const outcome = run.then(
    () => "done",
    (error: unknown) => error,
  );
  void outcome.then(() => (ended = true));
  const get = (name: string) => {
    const found = open.get(name);
    assert.ok(found, `${name} was not begun`);
    return found;
  };
  return {
    begun,
    outcome,
    hasEnded: () => ended,
    end: async (name: string) => {
      get(name).resolve();
      await nextTurn();
    },
    fail: async (name: string, error: Error) => {
      get(name).reject(error);
      await nextTurn();
    },
  };
}

describe("the graph", () => {
  it("begins a node when all it needs has ended, and not before", async () => {
    const run = startRun([node("net"), node("disk"), node("host", "net", "disk"), node("page", "host")]);

    assert.deepEqual(run.begun, ["net", "disk"]);
    await run.end("net");
    assert.deepEqual(run.begun, ["net", "disk"]);
    await run.end("disk");
    assert.deepEqual(run.begun, ["net", "disk", "host"]);
    await run.end("host");
    await run.end("page");
    assert.equal(await run.outcome, "done");
  });

  it("waits for no node that isn't among those to run", async () => {
    const run = startRun([node("host", "elsewhere")]);

    assert.deepEqual(run.begun, ["host"]);
    await run.end("host");
    assert.equal(await run.outcome, "done");
  });

  it("has no more under way than the limit, and begins the next when one ends", async () => {
    const run = startRun(
      ["a", "b", "c", "d"].map((name) => node(name)),
      { limit: 2 },
    );

    assert.deepEqual(run.begun, ["a", "b"]);
    await run.end("b");
    assert.deepEqual(run.begun, ["a", "b", "c"]);
    await run.end("a");
    assert.deepEqual(run.begun, ["a", "b", "c", "d"]);
    await run.end("c");
    await run.end("d");
    assert.equal(await run.outcome, "done");
  });

  it("begins nothing more after a failure, waits for what is under way, and throws the first failure", async () => {
    const run = startRun([node("a"), node("b"), node("c"), node("after-c", "c")]);
    const first = new Error("first");

    await run.fail("b", first);
    assert.equal(run.hasEnded(), false);
    await run.fail("a", new Error("second"));
    assert.equal(run.hasEnded(), false);
    await run.end("c");

    assert.equal(await run.outcome, first);
    assert.deepEqual(run.begun, ["a", "b", "c"]);
  });

  it("begins nothing more after an abort, waits for what is under way, and throws the abort's reason", async () => {
    const controller = new AbortController();
    const run = startRun([node("a"), node("b"), node("after-a", "a")], { signal: controller.signal });
    const reason = new Error("stopped");

    controller.abort(reason);
    await run.end("a");
    assert.equal(run.hasEnded(), false);
    await run.end("b");

    assert.equal(await run.outcome, reason);
    assert.deepEqual(run.begun, ["a", "b"]);
  });

  it("begins nothing at all when it was aborted before", async () => {
    const reason = new Error("stopped");
    const run = startRun([node("a")], { signal: AbortSignal.abort(reason) });

    assert.equal(await run.outcome, reason);
    assert.deepEqual(run.begun, []);
  });

  it("throws what failed, also when it was aborted as well", async () => {
    const controller = new AbortController();
    const run = startRun([node("a")], { signal: controller.signal });
    const failure = new Error("denied");

    controller.abort(new Error("stopped"));
    await run.fail("a", failure);

    assert.equal(await run.outcome, failure);
  });

  it("names those that need each other", async () => {
    const run = startRun([node("a"), node("b", "c"), node("c", "b")]);

    await run.end("a");

    assert.match(String(await run.outcome), /circular needs among b, c$/);
  });
});
