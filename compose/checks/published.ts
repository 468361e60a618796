import { connect } from "node:net";
import { once } from "node:events";
import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import { reachable } from "../cluster.ts";
import type { ComposeFile } from "../compose-file.ts";
import type { NetworkProbe } from "../probe.ts";

/** For any compose file: every published port can be reached from this computer. */
export function publishedChecks(file: ComposeFile, probe: NetworkProbe): readonly Check[] {
  return [...file.services.values()]
    .filter(({ publishesPorts }) => publishesPorts)
    .map(({ name }) => ({
      between: `host → ${name}`,
      name: "its published port answers",
      run: async (cluster) => {
        const published = await cluster.listPublished(name);
        if (published.length === 0)
          failCheck(`service ${name} should publish a port, and doesn't`, { service: name });
        // The engine itself accepts connections to a published port, even when nothing listens in the container.
        const listening = await probe.listListening(name);
        for (const { hostAddress, hostPort, containerPort } of published) {
          if (!listening.includes(containerPort)) {
            const others = listening.length === 0 ? "nothing" : listening.join(", ");
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
        return [...new Set(published.map((one) => `${reachable(one.hostAddress)}:${one.hostPort}`))].join(
          ", ",
        );
      },
    }));
}

/** True if something accepts a TCP connection at this address. */
export async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host: host.replaceAll(/[[\]]/g, ""), port, signal: AbortSignal.timeout(2000) });
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
