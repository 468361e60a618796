import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { metricsLines } from "../../lib/deploy/metrics-lines.ts";

const none = Array.from({ length: 60 }, () => 0);
/** So much in these minutes, and nothing in the others. */
const series = (at: Readonly<Record<number, number>>) => none.map((_none, minute) => at[minute] ?? 0);
const quiet = {
  from: "2026-11-27T10:00:00Z",
  requests: none,
  failedRequests: none,
  tries: none,
  failedTries: none,
};
const busy = {
  ...quiet,
  requests: series({ 0: 10, 1: 10, 2: 1, 4: 800, 58: 300, 59: 100 }),
  failedRequests: series({ 4: 2 }),
  tries: series({ 4: 1300 }),
  failedTries: series({ 4: 120, 59: 12 }),
  seconds: { p50: 0.0123, p90: 0.25, p99: 2.345 },
  memoryPercent: 41.2,
  diskPercent: 22.9,
  cpuCredits: 143.6,
};

describe("the last hour of a stack", () => {
  it("is at most four short lines: requests, failed tries, times, and what is used up", () => {
    assert.deepEqual(metricsLines(busy), [
      "requests    ▂▂█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▅ 1221 in an hour, 2 failed",
      "tries       ▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂ 10.2 % of 1300 tries failed",
      "latency     p50 12 ms, p90 250 ms, p99 2.3 s",
      "usage       memory 41 %, disk 23 %, 144 CPU credits left",
    ]);
    assert.ok(metricsLines(busy).every((line) => line.length <= 80));
  });

  it("says that nobody came, and nothing of what nobody told", () => {
    assert.deepEqual(metricsLines(quiet), ["requests    none in the last hour"]);
    assert.deepEqual(metricsLines({ ...quiet, diskPercent: 50 }).at(-1), "usage       disk 50 %");
    const { seconds: _none, ...rest } = busy;
    assert.ok(!metricsLines(rest).some((line) => line.startsWith("latency")));
    const none4 = { ...busy, tries: none, failedTries: none };
    assert.match(metricsLines(none4)[1] ?? "", /^tries {7}▁{30} none$/);
  });

  it("is nothing without metrics", () => {
    assert.deepEqual(metricsLines(undefined), []);
  });
});
