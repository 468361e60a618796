import { BerthError, exitCodes } from "../errors.ts";
import { shortHash } from "../short-hash.ts";
import { invocation } from "../invocation.ts";

interface Left {
  /** The number of the release that was published. */
  readonly release: number;
  /** The Git commit of the release before it, where it is known and another one. */
  readonly commitBefore?: string | undefined;
}

/**
 * The wait for a release as it ends when a user stops it: the hosts go on by themselves, which a user who pressed Ctrl-C
 * doesn't expect. Any other error stays as it is.
 */
export function explainInterruption(error: unknown, { release, commitBefore }: Left): unknown {
  if (!(error instanceof BerthError) || error.code !== "Interrupted") return error;
  const commit = commitBefore === undefined ? "" : ` (commit ${shortHash(commitBefore)})`;
  return new BerthError({
    code: "ReleaseGoesOn",
    message: `Stopped waiting. Release ${release} is published, so the host goes on with it by itself`,
    hint: `${invocation("status")} shows what becomes of it. To take it back, put source and configuration back as they were${commit} and run ${invocation("up")}`,
    resource: "release",
    exitCode: exitCodes.interrupted,
    cause: error,
  });
}
