import type Docker from "dockerode";
import type { BerthError } from "../lib/errors.ts";
import { type Look, lookUntil } from "../lib/poll.ts";
import { type Cluster, serviceOf } from "./cluster.ts";
import type { ComposeFile } from "./compose-file.ts";
import { pace } from "./pace.ts";
import { explainTrouble } from "./trouble.ts";
import type { Verdict } from "./verdict.ts";

export interface Waiting {
  /** After a fault, a container may be unhealthy for a while: with this, only the timeout counts as a failure. */
  readonly patient?: boolean;
}

/** Waits until every service is ready. Throws an error that names the first one that isn't, with its log. */
export async function waitUntilReady(cluster: Cluster, { patient = false }: Waiting = {}): Promise<void> {
  const { timeoutMs } = cluster;
  const look = async (): Promise<Look<Verdict | undefined>> => {
    cluster.signal.throwIfAborted();
    const verdicts = await judgeServices(cluster);
    const failed = verdicts.find(({ state }) => state === "failed");
    if (failed !== undefined && !patient) return { done: failed };
    unready = verdicts.find(({ state }) => state !== "ready");
    return unready === undefined ? { done: undefined } : { waiting: unready.reason };
  };
  let unready: Verdict | undefined;
  const last = await lookUntil(pace(cluster), { what: "every service to be ready", timeoutMs, look });
  const trouble = "done" in last ? last.done : unready;
  if (trouble !== undefined) throw await explainTrouble(cluster, addTime(trouble, timeoutMs));
}

/** When one service has failed: waits for the others that have started, until each of them is ready or has failed too. */
export async function settleServices(cluster: Cluster): Promise<void> {
  const { timeoutMs } = cluster;
  const look = async (): Promise<Look<true>> => {
    cluster.signal.throwIfAborted();
    const verdicts = await judgeServices(cluster);
    const starting = verdicts.find(({ starting: one }) => one === true);
    // Without a failure, the time was up already.
    const goesOn = starting !== undefined && verdicts.some(({ state }) => state === "failed");
    return goesOn ? { waiting: starting.reason } : { done: true };
  };
  await lookUntil(pace(cluster), { what: "the other services", timeoutMs, look });
}

/** The service that keeps the others from starting, as an error. Used when Compose itself has given up. */
export async function findTrouble(cluster: Cluster): Promise<BerthError | undefined> {
  const failed = (await judgeServices(cluster)).find(({ state }) => state === "failed");
  return failed === undefined ? undefined : explainTrouble(cluster, failed);
}

/** What the engine says about a service whose containers have all ended as they may; otherwise undefined. */
export async function findEnded(cluster: Cluster, service: string): Promise<string | undefined> {
  const containers = await cluster.listContainers(service);
  const verdicts = containers.map((one) => judge(one, isOneShot(cluster.file, service)));
  return verdicts.every(({ ended }) => ended === true) ? verdicts[0]?.reason : undefined;
}

/** One verdict per service, with services that others wait for first. A service is as ready as its worst container. */
export async function judgeServices(cluster: Cluster): Promise<readonly Verdict[]> {
  const containers = await cluster.listContainers();
  return orderByDependency(cluster.file).map((service) => {
    const own = containers.filter((one) => serviceOf(one) === service);
    const verdicts = own.map((one) => judge(one, isOneShot(cluster.file, service)));
    const worst = ["failed", "waiting", "ready"].flatMap((state) =>
      verdicts.filter((one) => one.state === state),
    )[0];
    return worst ?? { service, state: "waiting", reason: "has no container" };
  });
}

/** True if other services wait until this one has completed: then an end with exit code 0 is expected. */
export const isOneShot = (file: ComposeFile, service: string): boolean =>
  [...file.services.values()].some(
    ({ dependsOn }) => dependsOn.get(service) === "service_completed_successfully",
  );

function judge(container: Docker.ContainerInspectInfo, oneShot: boolean): Verdict {
  const { State: state, RestartCount: restarts, HostConfig: host } = container;
  const service = serviceOf(container);
  const say = (verdict: Verdict["state"], reason: string, more: Partial<Verdict> = {}): Verdict => ({
    service,
    state: verdict,
    reason,
    container: container.Id,
    ...more,
  });
  if (state.Restarting) {
    // Its restart policy is how often it works: such jobs end each time.
    if (state.ExitCode === 0 && state.Health === undefined && !oneShot)
      return say("ready", "done, exit code 0, and starts again", { ended: true });
    const reason = `ended with exit code ${state.ExitCode}, restarted ${restarts} times`;
    return restarts >= 3 ? say("failed", reason) : say("waiting", reason, { starting: true });
  }
  if (state.Status === "exited" || state.Dead) {
    const mayEnd = oneShot || ["", "no", "on-failure"].includes(host.RestartPolicy?.Name ?? "");
    if (state.ExitCode === 0 && mayEnd) return say("ready", "done, exit code 0", { ended: true });
    return say("failed", `ended with exit code ${state.ExitCode}${state.OOMKilled ? ", out of memory" : ""}`);
  }
  if (!state.Running) return say("waiting", `is ${state.Status}`);
  const health = state.Health;
  if (health === undefined || health.Status === "none")
    return oneShot ? say("waiting", "runs", { starting: true }) : say("ready", "runs", { unproven: true });
  if (health.Status === "healthy") return say("ready", "healthy");
  const last = health.Log.at(-1)?.Output.trim() ?? "";
  return say(
    health.Status === "unhealthy" ? "failed" : "waiting",
    `${health.Status}: ${last || "no answer yet"}`,
    { starting: health.Status === "starting" },
  );
}

function orderByDependency({ services }: ComposeFile): readonly string[] {
  const ordered = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) return;
    for (const other of services.get(name)?.dependsOn.keys() ?? []) visit(other, [...path, name]);
    ordered.add(name);
  };
  for (const name of services.keys()) visit(name, []);
  return [...ordered];
}

const addTime = (verdict: Verdict, timeoutMs: number): Verdict =>
  verdict.state === "failed"
    ? verdict
    : { ...verdict, reason: `${verdict.reason} (waited ${timeoutMs / 1000} s)` };
