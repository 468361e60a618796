import { type Look, lookUntil } from "../lib/poll.ts";
import type { Answer } from "./http.ts";
import { pace } from "./pace.ts";

export interface Visitors {
  readonly signal: AbortSignal;
  /** Requests the page. */
  readonly view: () => Promise<Answer>;
}

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
export function startTraffic({ signal, view }: Visitors, everyMs = 50): Traffic {
  const open = new Set<Promise<void>>();
  const marks: { at: number; good: boolean }[] = [];
  let sent = 0;
  const visit = async () => {
    sent += 1;
    const at = performance.now();
    const good = await view().then(
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
      const look = async (): Promise<Look<boolean>> =>
        marks.length - from >= inARow && marks.slice(-inARow).every(({ good }) => good)
          ? { done: true }
          : { waiting: "a visit failed, or too few were made" };
      const last = await lookUntil(pace({ signal }, everyMs), { what: "pages in a row", timeoutMs, look });
      if ("waiting" in last) throw new Error(`not ${inARow} pages in a row within ${timeoutMs / 1000} s`);
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
