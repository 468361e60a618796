import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PastRelease } from "../../lib/release/history.ts";
import { chooseTargets } from "../../lib/release/rollback.ts";

const past = (...releases: PastRelease[]) => ({ releases, total: releases.length });
const served = (number: number): PastRelease => ({ number, result: "served" });
const serves = (number: number, to: number): PastRelease => ({
  number,
  result: "serves",
  rolledBack: { from: number - 1, to },
});

describe("the releases that a rollback may go to", () => {
  it("are those that served before, the last one first", () => {
    const releases = past(
      { number: 4, result: "serves" },
      { number: 3, result: "failed" },
      served(2),
      served(1),
    );

    assert.deepEqual(chooseTargets(releases, undefined), [2, 1]);
  });

  it("lie before what the last rollback went back to: a second one never goes forth again", () => {
    assert.deepEqual(chooseTargets(past(serves(4, 2), served(3), served(2), served(1)), undefined), [1]);
  });

  it("are none where nothing served before that", () => {
    assert.throws(() => chooseTargets(past(serves(3, 1), served(2), served(1)), undefined), {
      code: "NothingToRollBack",
    });
  });
});
