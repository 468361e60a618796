import { randomInt } from "node:crypto";

const most = 2 ** 32 - 1;

/** `7`, `1,2,3` or `1..10`; one that nobody chose when absent. Throws TypeError for anything else. */
export function parseSeeds(text: string | undefined): number[] {
  if (text === undefined) return [randomInt(1, 1_000_000)];
  const seeds = text.split(",").flatMap((part) => {
    const [, first = "", last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(part) ?? [];
    const [low, high] = [Number(first || "NaN"), Number(last || "NaN")];
    const isRange = low <= high && high <= most && high - low < 1000;
    if (!isRange) throw new TypeError(`--seed takes numbers such as 7, 1,2,3 or 1..10, not "${text}"`);
    return Array.from({ length: high - low + 1 }, (_, index) => low + index);
  });
  return [...new Set(seeds)];
}
