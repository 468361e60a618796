import type { Result, Verdict } from "./trial.ts";

export interface Sums {
  readonly area: string;
  readonly noticed: number;
  readonly survived: number;
  readonly stale: number;
  readonly red: number;
}

/** One row per area, in alphabetical order. */
export function sumUp(results: readonly Result[]): Sums[] {
  const areas = [...new Set(results.map(({ fault }) => fault.area))].toSorted();
  return areas.map((area) => {
    const own = results.filter(({ fault }) => fault.area === area);
    const count = (wanted: Verdict) => own.filter(({ verdict }) => verdict === wanted).length;
    return {
      area,
      noticed: count("noticed"),
      survived: count("survived"),
      stale: count("stale"),
      red: count("red"),
    };
  });
}

/** True when nine of ten faults were noticed and every patch could be tried. */
export function isGood({ noticed, survived, stale, red }: Sums): boolean {
  return stale + red === 0 && noticed >= 9 * survived;
}

const headings: Readonly<Record<Exclude<Verdict, "noticed">, string>> = {
  survived: "survived: no named test turned red",
  stale: "the patch doesn't fit the tree",
  red: "a named test is red without the fault",
};

export function tableOf(results: readonly Result[]): string {
  const rows = sumUp(results).map(
    (sums) =>
      `${sums.area.padEnd(16)} ${String(sums.noticed).padStart(7)} ${String(sums.survived).padStart(8)}${isGood(sums) ? "" : "  <"}`,
  );
  const lists = Object.entries(headings).flatMap(([wanted, heading]) => {
    const own = results.filter(({ verdict }) => verdict === wanted);
    if (own.length === 0) return [];
    return ["", heading, ...own.map(({ fault }) => `  ${fault.path}${fault.why ? `: ${fault.why}` : ""}`)];
  });
  return [`${"area".padEnd(16)} noticed survived`, ...rows, ...lists, ""].join("\n");
}
