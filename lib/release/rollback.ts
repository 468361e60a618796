import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import type { PastRelease } from "./history.ts";
import type { Release } from "./schema.ts";

/** What there is to go back to. */
export interface Past {
  /** Newest first. The first one was published last. */
  readonly releases: readonly PastRelease[];
  /** How many there are in all. */
  readonly total: number;
}

/**
 * Pure. The numbers of the releases that a rollback may go to, the best first: the one that was asked for, else those that
 * served before the published one, the last one first. A rollback counts as the release that it went back to, so that a
 * second rollback goes further back instead of forth.
 *
 * @throws BerthError `NoSuchRelease`, `ReleaseNeverServed`, `NothingToRollBack`.
 */
export function chooseTargets({ releases, total }: Past, asked: number | undefined): readonly number[] {
  const [published] = releases;
  if (asked !== undefined) return [getServed({ releases, total }, asked)];
  const before = published?.rolledBack?.to ?? published?.number ?? 0;
  const served = releases.filter((one) => one.number < before && hasServed(one));
  if (served.length > 0) return served.map(({ number }) => number);
  throw new BerthError({
    code: "NothingToRollBack",
    message:
      published === undefined
        ? "there is no release yet"
        : `no release before ${before} is known to have served, so there is nothing to go back to`,
    hint: `${invocation("history", "--all")} shows what there was`,
    exitCode: exitCodes.badInput,
  });
}

function getServed({ releases, total }: Past, asked: number): number {
  const found = releases.find(({ number }) => number === asked);
  const hint = `${invocation("history", "--all")} shows which releases served`;
  if (found === undefined || (found.at === undefined && found.result === "unknown"))
    throw new BerthError({
      code: "NoSuchRelease",
      message: `there is no release ${asked} on record; the last one is ${total}`,
      hint,
      exitCode: exitCodes.badInput,
    });
  if (hasServed(found)) return asked;
  const why = found.result === "failed" ? "it failed" : "nobody saw its end";
  throw new BerthError({
    code: "ReleaseNeverServed",
    message: `release ${asked} isn't known to have served: ${why}${found.reason === undefined ? "" : `: ${found.reason}`}`,
    hint,
    exitCode: exitCodes.badInput,
  });
}

const hasServed = ({ result }: PastRelease): boolean => result === "served" || result === "serves";

/** Pure. For hints: what a rollback without a number does when this release is the published one. Undefined if none was before it. */
export function wayBack({ number, rolledBack }: Pick<Release, "number" | "rolledBack">): string | undefined {
  if ((rolledBack?.to ?? number) <= 1) return undefined;
  return rolledBack === undefined
    ? `${invocation("rollback")} puts the release that served before back`
    : `${invocation("rollback")} goes further back`;
}
