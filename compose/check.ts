import { BerthError } from "../lib/errors.ts";
import type { Cluster } from "./cluster.ts";

export interface Check {
  /** The two that have to talk: `nginx → web`. */
  readonly between: string;
  /** What shall be true. */
  readonly name: string;
  /** Stops, kills, moves or scales something. Done to a cluster of one's own, and to a running one only when asked. */
  readonly disruptive?: boolean;
  /** Makes or removes containers: done to a cluster of the test's own alone, whatever is asked. */
  readonly ownOnly?: boolean;
  /** Much work; pointless once something else has failed. */
  readonly heavy?: boolean;
  /** What was seen, in a few words. Throws when it isn't true. */
  readonly run: (cluster: Cluster) => Promise<string>;
}

export interface CheckResult {
  readonly between: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seen: string;
  readonly durationMs: number;
  readonly error?: BerthError;
}

/** What was expected is not what was seen. */
export function failCheck(
  message: string,
  more: { readonly hint?: string; readonly service?: string } = {},
): never {
  throw new BerthError({
    code: "CheckFailed",
    message,
    ...(more.hint === undefined ? {} : { hint: more.hint }),
    ...(more.service === undefined ? {} : { resource: more.service }),
  });
}

/** Runs one check. A failure of any kind is a result; only an interruption is thrown on. */
export async function runCheck(check: Check, cluster: Cluster): Promise<CheckResult> {
  const startedMs = performance.now();
  const finish = (outcome: CheckResult["outcome"], seen: string) => ({
    between: check.between,
    name: check.name,
    outcome,
    seen,
    durationMs: Math.round(performance.now() - startedMs),
  });
  try {
    return finish("passed", await check.run(cluster));
  } catch (error) {
    cluster.signal.throwIfAborted();
    const shown = asBerthError(error, check);
    return { ...finish("failed", shown.message), error: shown };
  }
}

export const skipCheck = ({ between, name }: Check, seen: string): CheckResult => ({
  between,
  name,
  outcome: "skipped",
  seen,
  durationMs: 0,
});

const asBerthError = (error: unknown, { between }: Check): BerthError =>
  error instanceof BerthError
    ? error
    : new BerthError({
        code: "NoAnswer",
        message: `${between}: ${error instanceof Error ? error.message : String(error)}`,
        cause: error,
      });
