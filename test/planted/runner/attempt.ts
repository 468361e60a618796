import { restoreMocks, type Trial } from "./node-test.ts";

// Saved now, because a test may replace them.
const later = setTimeout;
const never = clearTimeout;
const now = performance.now.bind(performance);

const looksEveryMs = 50;
const looks = 4;
/** A test that runs for so long that a mutation must have made it wait. */
export class TooLong extends Error {}

/** The resources that keep this process alive between two tests: its channel to Stryker, and its streams. */
export type Idle = ReadonlyMap<string, number>;

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** To be called before anything else is begun. It looks as the watch below does: from a timer, which is counted itself. */
export const lookIdle = (): Promise<Idle> =>
  new Promise((resolve) => void later(() => resolve(countResources()), looksEveryMs));

/**
 * Runs a test once. `undefined` when it is green, what it failed with otherwise.
 *
 * A test fails when it waits and nothing is left that could wake it. With `node:test`, the process would end then.
 */
export async function attempt(trial: Trial, idle: Idle, longestMs = Infinity): Promise<unknown> {
  const failures: unknown[] = [];
  const onStray = (error: unknown) => void failures.push(error);
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);
  const watch = watchForStuck(idle, longestMs);
  try {
    await Promise.race([trial.run(), watch.stuck]);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  } catch (error) {
    failures.unshift(error);
  } finally {
    watch.end();
    restoreMocks();
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onStray);
  }
  return failures.length === 0 ? undefined : (failures[0] ?? new Error("failed with nothing"));
}

/** Rejects when several checks in a row found nothing that could wake the test. */
function watchForStuck(idle: Idle, longestMs: number): { readonly stuck: Promise<never>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  let inVain = 0;
  const startedMs = now();
  const stuck = new Promise<never>((_resolve, reject) => {
    const look = () => {
      const isBusy = [...countResources()].some(([kind, count]) => count > (idle.get(kind) ?? 0));
      inVain = isBusy ? 0 : inVain + 1;
      if (inVain === looks) reject(new Error("waits for what nothing is left to bring"));
      else if (now() - startedMs > longestMs) reject(new TooLong(`goes on for more than ${longestMs} ms`));
      else timer = later(look, looksEveryMs);
    };
    timer = later(look, looksEveryMs);
  });
  return { stuck, end: () => never(timer) };
}
