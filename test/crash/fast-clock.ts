import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import promises from "node:timers/promises";
import { defaultTimeouts } from "../../lib/aws/clients.ts";

const { connectionMs, answerMs } = defaultTimeouts;
// A request's limits are no waits: hurried, a slow machine's answers would come too late. The SDK sets the limit of a
// connection when a second of it has passed.
const requestLimits: ReadonlySet<number> = new Set([answerMs, connectionMs, connectionMs - 1_000]);

/**
 * Shortens every wait of this process, and advances its clock by the time that a wait skips. A command's steps and
 * their order stay the same, but nobody has to wait thirty seconds for a dead run's lease. The duration of calls isn't
 * changed: on a slow machine a command has time for as many reads as on a fast one.
 */
export function hurry(speed: number): void {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  performance.now = () => now() + aheadMs;
  const { setTimeout: sleep } = promises;
  promises.setTimeout = async (delayMs = 0, value, options) => {
    const wakesAtMs = performance.now() + delayMs;
    const slept = await sleep(delayMs / speed, value, options);
    // Concurrent waits end at the same time.
    aheadMs += Math.max(0, wakesAtMs - performance.now());
    return slept;
  };

  const { setTimeout: later, setInterval: repeatedly } = timers;
  const faster = <F extends typeof later | typeof repeatedly>(original: F): F =>
    Object.assign(
      (callback: () => void, delayMs = 0, ...rest: []) =>
        original(callback, requestLimits.has(delayMs) ? delayMs : delayMs / speed, ...rest),
      original,
    );
  globalThis.setTimeout = timers.setTimeout = faster(later);
  globalThis.setInterval = timers.setInterval = faster(repeatedly);
  syncBuiltinESMExports();
}
