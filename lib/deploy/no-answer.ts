import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { wayBack } from "../release/rollback.ts";
import type { Release } from "../release/schema.ts";
import type { Probe } from "./probe.ts";

/** What the host said of the app that serves. */
interface Serving {
  /** Absent if it isn't known. */
  readonly release: Pick<Release, "number" | "rolledBack"> | undefined;
  readonly log: readonly string[];
}

/** Nothing answers from here, although the host says that it serves. */
export function unreachable(url: string, reason: string): BerthError {
  return new BerthError({
    code: "NotReachable",
    message: `${url} does not answer from here, though the host says that it serves: ${reason}`,
    hint: `check what lies between this computer and AWS (proxies, firewalls), then ${invocation("status")}`,
    exitCode: exitCodes.releaseUnhealthy,
  });
}

/** Something answers, so the way to the host is open: it is the app that fails. */
export function appFails(url: string, { status, attempts }: Probe, { release, log }: Serving): BerthError {
  const above =
    log.length === 0 ? "the host has told no line of its log yet" : "the lines above are the end of its log";
  const back = release && wayBack(release);
  const hints = [
    ...(back === undefined ? [] : [back]),
    `${back === undefined ? "fix" : "Fix"} the app (${above}) and run ${invocation("up")}`,
    "With app.health, a release that fails so never gets to serve",
  ];
  return new BerthError({
    code: "AppFails",
    message: `${attempts} requests for ${url} got no better answer than HTTP ${status}: the app fails`,
    hint: hints.join(". "),
    detail: log,
    exitCode: exitCodes.releaseUnhealthy,
  });
}
