import { BerthError } from "../lib/errors.ts";
import type { Cluster } from "./cluster.ts";

export interface Check {
  /** The two services that have to communicate: `nginx → web`. */
  readonly between: string;
  /** What the check proves. */
  readonly name: string;
  /** The services that take part. The check says nothing unless each of them is well. */
  readonly services?: readonly string[];
  /** Stops, kills, moves or scales something. Runs on the test's own cluster, and on a running one only on request. */
  readonly disruptive?: boolean;
  /** Creates or removes containers. Runs only on the test's own cluster, even on request. */
  readonly ownOnly?: boolean;
  /** Takes much work, and is pointless once another check has failed. */
  readonly heavy?: boolean;
  /**
   * Runs the check and returns what was observed, in a few words. Throws when the check fails. Returns `skipped` with
   * the reason when there is nothing that could be checked.
   */
  readonly run: (cluster: Cluster) => Promise<string | { readonly skipped: string }>;
}

export interface CheckResult {
  readonly between: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seen: string;
  readonly durationMs: number;
  readonly error?: BerthError;
}

/** Fails the check with an error: the observation differs from what was expected. */
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

/** Runs one check. Every failure is returned as a result; only an interruption is thrown. */
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
    const seen = await check.run(cluster);
    return typeof seen === "string" ? finish("passed", seen) : finish("skipped", seen.skipped);
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
