import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { ComposeFile } from "../compose-file.ts";
import { type Death, watchDeaths } from "../deaths.ts";
import { findEnded, isOneShot } from "../health.ts";
import type { NetworkProbe } from "../probe.ts";
import { isServer } from "../server.ts";
import { describePorts } from "../sockets.ts";

/**
 * For any compose file: a service that depends on another one and shares a network with it can connect to it by name.
 * Services that share no network can't connect to each other, not even by address. Workers that listen on nothing, and
 * services that have done their work and ended, are left out when that is seen.
 */
export function reachabilityChecks(file: ComposeFile, probe: NetworkProbe): readonly Check[] {
  const lasting = [...file.services.keys()].filter((service) => !isOneShot(file, service));
  return lasting.flatMap((from) =>
    lasting.flatMap((to) => {
      if (from === to || !hasNetworks(file, from) || !hasNetworks(file, to)) return [];
      if (!shareNetwork(file, from, to)) return [closedCheck(from, to, probe)];
      return findNeeds(file, from).has(to) ? [openCheck(from, to, probe)] : [];
    }),
  );
}

const openCheck = (from: string, to: string, probe: NetworkProbe): Check => ({
  between: `${from} → ${to}`,
  name: "connects by name",
  services: [from, to],
  run: unlessEnded([from, to], async (cluster) => {
    const ports = await probe.listListening(to);
    if (ports.length === 0) {
      if (!(await isServer(cluster, to)))
        return { skipped: `${to} listens on no TCP port, and declares none` };
      const heard = describePorts(ports, await probe.listLocal(to), "no TCP port that others could reach");
      failCheck(`service ${to} listens on ${heard}`, { service: to });
    }
    const open = await probe.awaitOpen(
      from,
      ports.map((port) => ({ host: to, port })),
    );
    if (open.length > 0) return `port ${open.map(({ port }) => port).join(", ")}`;
    return failCheck(`from ${from}, nothing answers at ${to}, port ${ports.join(", ")}`, { service: to });
  }),
});

const closedCheck = (from: string, to: string, probe: NetworkProbe): Check => ({
  between: `${from} ✗ ${to}`,
  name: "has no way there",
  services: [from, to],
  run: unlessEnded([from, to], async (cluster) => {
    const ports = await probe.listListening(to);
    if (ports.length === 0) return { skipped: `${to} listens on no TCP port` };
    const hosts = [to, ...(await listAddresses(cluster, to))];
    const targets = hosts.flatMap((host) => ports.map((port) => ({ host, port })));
    const open = await probe.findOpen(from, targets);
    if (open.length === 0) return `${targets.length} addresses tried, all closed`;
    const found = open.map(({ host, port }) => `${host}:${port}`).join(", ");
    return failCheck(`from ${from}, ${to} can be reached at ${found}, though they share no network`);
  }),
});

/**
 * Skips a check in which a service takes part that has ended as it may, before the check or in its middle: what was seen
 * says nothing then. A job that is started again each time may run at both looks.
 */
const unlessEnded =
  (services: readonly [from: string, to: string], run: Check["run"]): Check["run"] =>
  async (cluster) => {
    using deaths = await watchDeaths(cluster);
    const before = await explainEnd(cluster, services, []);
    if (before !== undefined) return before;
    const [result] = await Promise.allSettled([run(cluster)]);
    const after = await explainEnd(cluster, services, deaths.list());
    if (after !== undefined) return after;
    if (result.status === "rejected") throw result.reason;
    return result.value;
  };

/** A server that others depend on may not end. */
async function explainEnd(
  cluster: Cluster,
  [from, to]: readonly [from: string, to: string],
  deaths: readonly Death[],
) {
  const findEnd = async (service: string) =>
    (await findEnded(cluster, service)) ??
    (deaths.some((one) => one.service === service && one.exitCode === 0)
      ? "done, exit code 0, and started again"
      : undefined);
  const start = await findEnd(from);
  if (start !== undefined) return { skipped: `${from}: ${start}` };
  const end = await findEnd(to);
  return end === undefined || (await isServer(cluster, to)) ? undefined : { skipped: `${to}: ${end}` };
}

async function listAddresses(cluster: Cluster, service: string): Promise<readonly string[]> {
  const containers = await cluster.listContainers(service);
  return containers.flatMap(({ NetworkSettings }) =>
    Object.values(NetworkSettings.Networks)
      .map(({ IPAddress }) => IPAddress)
      .filter((one) => one !== ""),
  );
}

const hasNetworks = (file: ComposeFile, service: string): boolean => networksOf(file, service).length > 0;

const shareNetwork = (file: ComposeFile, one: string, other: string): boolean =>
  networksOf(file, one).some((network) => networksOf(file, other).includes(network));

const networksOf = (file: ComposeFile, service: string) => file.services.get(service)?.networks ?? [];

/** The services that a service depends on, directly or indirectly. */
function findNeeds({ services }: ComposeFile, service: string): ReadonlySet<string> {
  const needs = new Set<string>();
  const queue = [service];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const other of services.get(next)?.dependsOn.keys() ?? []) {
      if (needs.has(other)) continue;
      needs.add(other);
      queue.push(other);
    }
  }
  return needs;
}
