import assert from "node:assert/strict";
import { test } from "node:test";
import { startStopwatch } from "../../../state/lease/stopwatch.ts";

const cases = [
  { what: "both clocks agree", monotonicMs: 700, wallMs: 700, elapsedMs: 700 },
  {
    what: "the computer slept: the monotonic clock stood still",
    monotonicMs: 0,
    wallMs: 90_000,
    elapsedMs: 90_000,
  },
  { what: "the wall clock was set back", monotonicMs: 5_000, wallMs: -3_600_000, elapsedMs: 5_000 },
];

for (const { what, monotonicMs, wallMs, elapsedMs } of cases) {
  test(what, (t) => {
    const clocks = { monotonicMs: 1_000, wallMs: 1_800_000_000_000 };
    t.mock.method(performance, "now", () => clocks.monotonicMs);
    t.mock.method(Date, "now", () => clocks.wallMs);
    const elapsed = startStopwatch();

    clocks.monotonicMs += monotonicMs;
    clocks.wallMs += wallMs;

    assert.equal(elapsed(), elapsedMs);
  });
}
