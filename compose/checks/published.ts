import { connect } from "node:net";
import { once } from "node:events";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import { type Cluster, type Published, reachable } from "../cluster.ts";
import type { ComposeFile } from "../compose-file.ts";
import type { NetworkProbe } from "../probe.ts";
import { describePorts } from "../sockets.ts";

/** For any compose file: every published port can be reached from this computer. */
export function publishedChecks(file: ComposeFile, probe: NetworkProbe): readonly Check[] {
  const publishing = (wanted: string) =>
    [...file.services.values()].filter(({ published }) =>
      published.some(({ protocol }) => protocol === wanted),
    );
  return [
    ...publishing("tcp").map(({ name }) => ({
      between: `host → ${name}`,
      name: "its published port answers",
      services: [name],
      run: (cluster: Cluster) => checkAnswers(cluster, name, probe),
    })),
    ...publishing("udp").map(({ name }) => ({
      between: `host → ${name}`,
      name: "it receives at its UDP port",
      services: [name],
      run: (cluster: Cluster) => checkReceives(cluster, name, probe),
    })),
  ];
}

async function checkAnswers(cluster: Cluster, name: string, probe: NetworkProbe): Promise<string> {
  const published = await getPublished(cluster, name, "tcp");
  // The engine itself accepts connections to a published port, even when nothing listens in the container.
  const listening = await probe.listListening(name);
  for (const { hostAddress, hostPort, containerPort } of published) {
    if (!listening.includes(containerPort)) {
      const local = await probe.listLocal(name);
      const own = local.filter((one) => one.endsWith(`:${containerPort}`));
      const others = own.length > 0 ? describePorts([], own, "") : describePorts(listening, local, "nothing");
      failCheck(`service ${name} publishes its port ${containerPort}, but listens on ${others}`, {
        service: name,
      });
    }
    if (!(await accepts(reachable(hostAddress), hostPort))) {
      failCheck(`nothing answers at ${hostAddress}:${hostPort}, where ${name} is published`, {
        service: name,
      });
    }
  }
  return listAddresses(published);
}

/**
 * UDP has no answer that every service gives, and a datagram could do something. So this looks for the socket in the
 * container.
 */
async function checkReceives(cluster: Cluster, name: string, probe: NetworkProbe): Promise<string> {
  const published = await getPublished(cluster, name, "udp");
  const receiving = await probe.listReceiving(name);
  const found = published.filter(({ containerPort }) => receiving.includes(containerPort));
  if (found.length > 0) return listAddresses(found);
  const wanted = [...new Set(published.map(({ containerPort }) => containerPort))].join(", ");
  const others = receiving.length === 0 ? "at no UDP port" : `at ${receiving.join(", ")}`;
  return failCheck(`service ${name} publishes its UDP port ${wanted}, but receives ${others}`, {
    service: name,
  });
}

async function getPublished(cluster: Cluster, name: string, protocol: string): Promise<readonly Published[]> {
  const published = await cluster.listPublished(name, protocol);
  if (published.length > 0) return published;
  return failCheck(`service ${name} should publish a port, and doesn't`, { service: name });
}

const listAddresses = (published: readonly Published[]): string =>
  [...new Set(published.map((one) => `${reachable(one.hostAddress)}:${one.hostPort}`))].join(", ");

/** True if something accepts a TCP connection at this address. */
export async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host: host.replaceAll(/[[\]]/g, ""), port, signal: AbortSignal.timeout(10_000) });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
