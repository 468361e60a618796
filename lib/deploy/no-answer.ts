import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import type { Probe } from "./probe.ts";

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
export function appFails(url: string, { status, attempts }: Probe, log: readonly string[]): BerthError {
  const above =
    log.length === 0 ? "the host has told no line of its log yet" : "the lines above are the end of its log";
  return new BerthError({
    code: "AppFails",
    message: `${attempts} requests for ${url} got no better answer than HTTP ${status}: the app fails`,
    hint: `fix the app (${above}) and run ${invocation("up")}. With app.health, a release that fails so never gets to serve`,
    detail: log,
    exitCode: exitCodes.releaseUnhealthy,
  });
}
