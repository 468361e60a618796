import type Docker from "dockerode";
import { type Look, lookUntil } from "../../lib/poll.ts";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { execute } from "../container.ts";
import { waitUntilReady } from "../health.ts";
import { pace } from "../pace.ts";
import { countInDatabase, openEdge } from "../page.ts";
import { startTraffic, type TrafficCount } from "../traffic.ts";

type Fault = (cluster: Cluster, roles: Roles) => Promise<void>;

/** Something breaks while a visitor arrives every 50 ms. The service must recover by itself; failed visits are counted. */
export function recoveryChecks(roles: Roles): readonly Check[] {
  const { edge, app, database } = roles;
  return [
    breakAndReturn(`${app} → ${database}`, `${database} restarted`, roles, restartDatabase),
    breakAndReturn(`${edge} → ${app}`, `one ${app} killed`, roles, killOne),
    breakAndReturn(`${edge} → ${app}`, `every ${app} killed`, roles, killAll),
    breakAndReturn(`${edge} → ${app}`, `every ${app} moved to another address`, roles, moveAll),
  ];
}

const breakAndReturn = (between: string, what: string, roles: Roles, fault: Fault): Check => ({
  between,
  name: `${what}: service returns`,
  disruptive: true,
  run: async (cluster) => {
    const edgeBefore = await startedAt(cluster, roles.edge);
    const before = await countInDatabase(cluster, roles);
    const count = await countFailures(cluster, roles, fault);
    const counted = (await countInDatabase(cluster, roles)) - before;
    // Every answered view must be counted. A view whose answer was lost may be counted. A retried view counts once.
    if (counted < count.served || counted > count.sent) {
      failCheck(`${count.served} of ${count.sent} views were answered, but ${counted} were counted`);
    }
    if ((await startedAt(cluster, roles.edge)) !== edgeBefore)
      failCheck(`${roles.edge} was restarted on the way`);
    return describeCount(count);
  },
});

async function countFailures(cluster: Cluster, roles: Roles, fault: Fault): Promise<TrafficCount> {
  const visit = await openEdge(cluster, roles);
  const traffic = startTraffic({ signal: cluster.signal, view: () => visit("/", { timeoutMs: 15_000 }) });
  try {
    await traffic.settle(3, cluster.timeoutMs);
    await fault(cluster, roles);
    await waitUntilReady(cluster, { patient: true });
    await traffic.settle(20, cluster.timeoutMs);
  } finally {
    await traffic.stop();
  }
  return traffic.stop();
}

const describeCount = ({ sent, failed, outageMs }: TrafficCount): string =>
  failed === 0
    ? `0 of ${sent} requests failed`
    : `${failed} of ${sent} requests failed, over ${(outageMs / 1000).toFixed(1)} s`;

async function restartDatabase(cluster: Cluster, { database }: Roles): Promise<void> {
  const [container] = await cluster.getRunning(database);
  await container.restart({ t: 20 });
}

async function killOne(cluster: Cluster, { app }: Roles): Promise<void> {
  const [container] = await cluster.getRunning(app);
  await crash(cluster, container);
}

async function killAll(cluster: Cluster, { app }: Roles): Promise<void> {
  await Promise.all((await cluster.getRunning(app)).map((one) => crash(cluster, one)));
}

/**
 * Sends SIGKILL from inside to all processes at once. `docker kill` is unlike a real crash: the engine takes it as a
 * user's stop and doesn't restart the container.
 */
async function crash(cluster: Cluster, container: Docker.Container): Promise<void> {
  const startedBefore = (await container.inspect()).State.StartedAt;
  await execute(container, ["sh", "-c", "kill -9 -1"]);
  const look = async (): Promise<Look<boolean>> => {
    const { State: state } = await container.inspect();
    return state.Running && state.StartedAt !== startedBefore ? { done: true } : { waiting: state.Status };
  };
  const last = await lookUntil(pace(cluster), { what: "the container", timeoutMs: cluster.timeoutMs, look });
  if ("waiting" in last) failCheck(`a killed container was not started again: it is ${last.waiting}`);
}

/** Stops all replicas, lets other containers take their addresses, and starts them again. */
async function moveAll(cluster: Cluster, { app }: Roles): Promise<void> {
  const replicas = await cluster.getRunning(app);
  const before = await listAddresses(cluster, app);
  await Promise.all(replicas.map((replica) => replica.stop({ t: 30 })));
  const squatters = await Promise.all(replicas.map((replica) => squat(cluster, replica)));
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
    const kept = (await listAddresses(cluster, app)).filter((address) => before.includes(address));
    if (kept.length > 0) failCheck(`${app} came back at ${kept.join(", ")}, so nothing was moved`);
  } finally {
    await Promise.all(squatters.map((squatter) => squatter.remove({ force: true, v: true })));
  }
}

/** Starts a container that only occupies addresses on the networks of another one. */
async function squat(cluster: Cluster, neighbour: Docker.Container): Promise<Docker.Container> {
  const { Image, NetworkSettings } = await neighbour.inspect();
  const [first = "none", ...others] = Object.keys(NetworkSettings.Networks);
  const squatter = await cluster.docker.createContainer({
    Image,
    Entrypoint: ["sleep", "120"],
    Cmd: [],
    Labels: { "berth.smoke": "squatter" },
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { NetworkMode: first, AutoRemove: true, CapDrop: ["ALL"] },
  });
  for (const network of others) await cluster.docker.getNetwork(network).connect({ Container: squatter.id });
  await squatter.start();
  return squatter;
}

async function listAddresses(cluster: Cluster, service: string): Promise<readonly string[]> {
  return (await cluster.listContainers(service)).flatMap(({ NetworkSettings }) =>
    Object.values(NetworkSettings.Networks).map(({ IPAddress }) => IPAddress),
  );
}

const startedAt = async (cluster: Cluster, service: string): Promise<string> =>
  (await cluster.listContainers(service)).map(({ State }) => State.StartedAt).join();
