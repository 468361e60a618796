import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import promises from "node:timers/promises";

/**
 * Makes every wait of this process shorter, and lets its clock run ahead by what a wait leaves out. What a command does and
 * in which order stays as it is; only nobody has to sit out thirty seconds of a dead run's lease. The time that calls take
 * counts as it is: on a slow machine a command has time for as many looks as on a fast one.
 */
export function hurry(speed: number): void {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  performance.now = () => now() + aheadMs;
  const { setTimeout: sleep } = promises;
  promises.setTimeout = async (delayMs = 0, value, options) => {
    const wakesAtMs = performance.now() + delayMs;
    const slept = await sleep(delayMs / speed, value, options);
    // Waits beside each other end at one time.
    aheadMs += Math.max(0, wakesAtMs - performance.now());
    return slept;
  };

  const { setTimeout: later, setInterval: repeatedly } = timers;
  const faster = <F extends typeof later | typeof repeatedly>(original: F): F =>
    Object.assign(
      (callback: () => void, delayMs = 0, ...rest: []) => original(callback, delayMs / speed, ...rest),
      original,
    );
  globalThis.setTimeout = timers.setTimeout = faster(later);
  globalThis.setInterval = timers.setInterval = faster(repeatedly);
  syncBuiltinESMExports();
}
