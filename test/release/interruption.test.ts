import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import { explainInterruption } from "../../lib/release/interruption.ts";

describe("a wait for a release that the user stops", () => {
  const stopped = new BerthError({ code: "Interrupted", message: "stopped" });

  const rolledBack = { from: 8, to: 7 };
  for (const [what, left, hint] of [
    [
      "an update",
      { release: { number: 3 } },
      "berth status shows what becomes of it. berth rollback puts the release that served before back. Until source and configuration are as they were, the next berth up ships the same again",
    ],
    ["the first release", { release: { number: 1 } }, "berth status shows what becomes of it"],
    [
      "a rollback from what served",
      { release: { number: 9, rolledBack }, hasReplaced: true },
      "berth status shows what becomes of it. To take it back, run berth rollback 8",
    ],
    [
      "a rollback from what failed",
      { release: { number: 9, rolledBack }, hasReplaced: false },
      "berth status shows what becomes of it",
    ],
  ] as const) {
    it(`says how to take it back: ${what}`, () => {
      const explained = explainInterruption(stopped, left);

      assert.ok(explained instanceof BerthError);
      assert.equal(explained.hint, hint);
    });
  }

  it("is no other failure", () => {
    const other = new BerthError({ code: "ReleaseUnhealthy", message: "it failed" });

    assert.equal(explainInterruption(other, { release: { number: 3 } }), other);
  });
});
