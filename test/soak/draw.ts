import { randomFrom } from "../strict-aws/faults.ts";

/** Random choices that depend only on the seed. */
export class Draw {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  /** True in that part of all cases. */
  chance(part: number): boolean {
    return this.#random() < part;
  }

  /** A random integer, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.between(0, list.length - 1)];
    if (chosen === undefined) throw new TypeError("There is nothing to draw from");
    return chosen;
  }

  /** So many different ones, or all there are, in the list's own order. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = list.map((_, index) => index);
    const draw = () => left.splice(this.between(0, left.length - 1), 1);
    const chosen = new Set(Array.from({ length: Math.min(count, list.length) }, draw).flat());
    return list.filter((_, index) => chosen.has(index));
  }
}
