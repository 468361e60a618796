import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type Docker from "dockerode";

/** A machine's surroundings on this computer. */
export interface Neighbours {
  /** This computer's address on the machines' network. */
  readonly gateway: string;
  /** This computer's other addresses, without loopback and without those on other container networks, which come and go. */
  readonly others: readonly string[];
  /** The machine's own address on that network. */
  readonly machine: string;
  /** UDP ports that this computer listens on. */
  readonly udpPorts: readonly number[];
}

export async function findNeighbours(docker: Docker, machineId: string): Promise<Neighbours> {
  const { NetworkSettings } = await docker.getContainer(machineId).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  if (network === undefined) throw new Error(`The machine ${machineId} is on no network`);
  const all = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith("br-"))
    .flatMap(([, each]) => each ?? []);
  const reachable = all.filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0);
  return {
    gateway: network.Gateway,
    others: reachable.map(({ address }) => address).filter((address) => address !== network.Gateway),
    machine: network.IPAddress,
    udpPorts: await listUdpPorts(),
  };
}

async function listUdpPorts(): Promise<number[]> {
  const table = await readFile("/proc/net/udp", "utf8");
  const ports = [...table.matchAll(/^\s*\d+: [0-9A-F]{8}:([0-9A-F]{4})/gm)].map(([, hex = "0"]) =>
    Number.parseInt(hex, 16),
  );
  return [...new Set([53, ...ports])].toSorted((one, other) => one - other);
}
