import type { ExecResult } from "../../../compose/container.ts";
import type { FakeContainer } from "./container.ts";

/** Which containers can reach which. */
interface Network {
  readonly containers: readonly FakeContainer[];
  /** Connections that are possible although no network allows them: `web>db:5432`. */
  readonly leaks: ReadonlySet<string>;
  /** Ports that are closed although a network allows the connection. */
  readonly walls: ReadonlySet<string>;
}

interface Job {
  readonly script: string;
  readonly beside: FakeContainer;
}

/** The results of the scripts of compose/probe.ts in a container's network. */
export function runProbe(network: Network, { script, beside }: Job): ExecResult {
  if (script.includes("/proc/net/tcp"))
    return {
      exitCode: 0,
      output: [
        describeSockets(beside.listens, "0A"),
        describeSockets(beside.listensLocally, "0A", "0100007F"),
        "udp",
        describeSockets(beside.receives, "07"),
      ].join("\n"),
    };
  if (script.startsWith("command -v")) return { exitCode: 0, output: "/usr/bin/timeout" };
  const tries = [...script.matchAll(/^try (\S+) (\d+) (\d+) &$/gm)];
  const open = tries.filter(([, host = "", port]) => isOpen(network, beside, { host, port: Number(port) }));
  return { exitCode: 0, output: open.map(([, , , at]) => `open ${at ?? ""}`).join("\n") };
}

function isOpen(
  { containers, leaks, walls }: Network,
  from: FakeContainer,
  { host, port }: { readonly host: string; readonly port: number },
): boolean {
  const way = `${from.service ?? ""}>${host}:${port}`;
  if (walls.has(way)) return false;
  if (leaks.has(way)) return true;
  return containers.some(
    (to) =>
      to.info.State.Running &&
      to.listens.includes(port) &&
      to.networks.some((network) => {
        if (!from.networks.includes(network)) return false;
        return host === to.service || host === to.info.NetworkSettings.Networks[network]?.IPAddress;
      }),
  );
}

function describeSockets(ports: readonly number[], state: string, address = "00000000"): string {
  const rows = ports.map((port, at) => {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    return `   ${at}: ${address}:${hex} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 1 1 0`;
  });
  return ["  sl  local_address rem_address   st tx_queue", ...rows].join("\n");
}
