import { BerthError, exitCodes } from "../errors.ts";
import { shortHash } from "../short-hash.ts";
import { invocation } from "../invocation.ts";
import { wayBack } from "./rollback.ts";
import type { Release } from "./schema.ts";

interface Left {
  /** The release that was published. */
  readonly release: Pick<Release, "number" | "rolledBack">;
  /** The Git commit of the release before it, where it is known and another one. */
  readonly commitBefore?: string | undefined;
  /** Whether a rollback took the place of a release that served. */
  readonly hasReplaced?: boolean;
}

/**
 * The wait for a release as it ends when a user stops it: the hosts go on by themselves, which a user who pressed Ctrl-C
 * doesn't expect. Any other error stays as it is.
 */
export function explainInterruption(error: unknown, left: Left): unknown {
  if (!(error instanceof BerthError) || error.code !== "Interrupted") return error;
  return new BerthError({
    code: "ReleaseGoesOn",
    message: `Stopped waiting. Release ${left.release.number} is published, so the host goes on with it by itself`,
    hint: [`${invocation("status")} shows what becomes of it`, ...undoing(left)].join(". "),
    resource: "release",
    exitCode: exitCodes.interrupted,
    cause: error,
  });
}

/** How to take the release back, if there was one before it. */
function undoing({ release, commitBefore, hasReplaced = false }: Left): string[] {
  if (release.rolledBack !== undefined) {
    const { from } = release.rolledBack;
    return hasReplaced ? [`To take it back, run ${invocation("rollback", String(from))}`] : [];
  }
  const back = wayBack(release);
  if (back === undefined) return [];
  const commit = commitBefore === undefined ? "" : ` (commit ${shortHash(commitBefore)})`;
  const next = `Until source and configuration are as they were${commit}, the next ${invocation("up")} ships the same again`;
  return [back, next];
}
