import type { ObjectStore } from "../../state/object-store.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { lookUntil, type PollContext } from "../poll.ts";
import { readReport } from "./reports.ts";
import { findShortfalls, type HostDesired, type HostFailure, type Shortfall } from "./shortfall.ts";

export interface Awaited {
  readonly store: ObjectStore;
  readonly hosts: readonly string[];
  readonly desired: HostDesired;
  /** How long all hosts together may take. */
  readonly patienceMs: number;
  /** Helps to explain a silent host: returns the last lines of its console. */
  readonly diagnose: (host: string) => Promise<readonly string[]>;
}

/** A host checks for a new release every two seconds, or six at rest. Longer pauses here would slow the run down. */
const pauses = { firstMs: 200, longestMs: 2_000 };
const mostNamed = 5;

/**
 * Returns when every host runs the desired release and agent.
 *
 * @throws BerthError `ReleaseUnhealthy`, `AgentUnhealthy` or `AgentPostponed` as soon as a host reports a failure; `HostSilent`
 * when the time is over. All end a run with exit code 5.
 */
export async function awaitHosts({ signal, note, timings }: PollContext, awaited: Awaited): Promise<void> {
  const { store, hosts, desired, patienceMs, diagnose } = awaited;
  let left: readonly Shortfall[] = [];
  const look = async () => {
    const told = await Promise.all(
      hosts.map(async (host) => findShortfalls(host, desired, await readReport(store, host))),
    );
    left = told.flat();
    const failure = left.find((one) => one.failure !== undefined)?.failure;
    if (failure !== undefined) throw unhealthy(failure);
    return left.length === 0 ? { done: true } : { waiting: waitingFor(left, hosts.length) };
  };
  const what = `${hosts.join(", ")} to serve release ${desired.release}`;
  const last = await lookUntil(
    { signal, note, timings: { ...pauses, ...timings, timeoutMs: patienceMs } },
    { what, timeoutMs: patienceMs, look },
  );
  if ("done" in last) return;
  throw await silent(left, diagnose);
}

/** Names the hosts that aren't ready yet. If there are several hosts, it also says how many are ready. */
function waitingFor(left: readonly Shortfall[], hosts: number): string {
  const states = left.slice(0, mostNamed).map(({ host, observed }) => `${host}: ${observed}`);
  const more = left.length > mostNamed ? [`and ${left.length - mostNamed} more`] : [];
  const done = hosts - new Set(left.map(({ host }) => host)).size;
  const progress = hosts === 1 ? [] : [`${done} of ${hosts} hosts are there`];
  return [...progress, ...states, ...more].join("; ");
}

function unhealthy({ code, message, hint, log }: HostFailure): BerthError {
  return new BerthError({
    code,
    message,
    hint,
    resource: "release",
    detail: log,
    exitCode: exitCodes.releaseUnhealthy,
  });
}

async function silent(left: readonly Shortfall[], diagnose: Awaited["diagnose"]): Promise<BerthError> {
  const hosts = [...new Set(left.map(({ host }) => host))];
  const consoles = await Promise.all(
    hosts.slice(0, mostNamed).map(async (host) => {
      const lines = await diagnose(host);
      return hosts.length === 1 ? lines : [`${host}:`, ...lines];
    }),
  );
  const claims = [...new Set(left.map(({ claim }) => claim))].join(" and ");
  const problems = left.flatMap(({ problem }) => (problem === undefined ? [] : `; ${problem}`));
  return new BerthError({
    code: "HostSilent",
    message: `${hosts.join(", ")} did not say in time that it ${claims}${problems.join("")}`,
    hint: "the lines above are the last that it wrote; run up again to go on waiting, or replace the instance",
    resource: "release",
    detail: consoles.flat(),
    exitCode: exitCodes.releaseUnhealthy,
  });
}
