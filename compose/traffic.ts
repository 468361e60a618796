import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "./http.ts";

export interface TrafficCount {
  readonly sent: number;
  /** Visits that were answered with a page. */
  readonly served: number;
  readonly failed: number;
  /** How long visits failed: from the first failed visit to the one after the last failed one; 0 when none failed. */
  readonly outageMs: number;
}

export interface Traffic {
  /** Resolves once this number of pages in a row was served. Rejects after `timeoutMs`. */
  settle(inARow: number, timeoutMs: number): Promise<void>;
  stop(): Promise<TrafficCount>;
}

/** Sends a visitor every `everyMs`. Each waits for its own answer, independently of the others. */
export function startTraffic(url: string, everyMs = 50): Traffic {
  const open = new Set<Promise<void>>();
  const marks: { at: number; good: boolean }[] = [];
  let sent = 0;
  const visit = async () => {
    sent += 1;
    const at = performance.now();
    const good = await ask(url, { timeoutMs: 15_000 }).then(
      ({ status }) => status === 200,
      () => false,
    );
    marks.push({ at, good });
  };
  const timer = setInterval(() => {
    const one = visit().finally(() => open.delete(one));
    open.add(one);
  }, everyMs);
  return {
    settle: async (inARow, timeoutMs) => {
      const from = marks.length;
      const deadline = performance.now() + timeoutMs;
      while (marks.length - from < inARow || marks.slice(-inARow).some(({ good }) => !good)) {
        if (performance.now() > deadline)
          throw new Error(`not ${inARow} pages in a row within ${timeoutMs / 1000} s`);
        await sleep(everyMs);
      }
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      const failed = marks.filter(({ good }) => !good);
      return {
        sent,
        served: marks.length - failed.length,
        failed: failed.length,
        outageMs: measureOutage(marks.toSorted((a, b) => a.at - b.at)),
      };
    },
  };
}

function measureOutage(marks: readonly { readonly at: number; readonly good: boolean }[]): number {
  const first = marks.find(({ good }) => !good);
  const last = marks.findLastIndex(({ good }) => !good);
  if (first === undefined) return 0;
  return Math.round((marks[last + 1]?.at ?? marks[last]?.at ?? first.at) - first.at);
}
