import type Docker from "dockerode";
import { findNeighbours } from "./machine-neighbours.ts";
import type { MachineShell } from "./machine-shell.ts";
import { readScan, scanProgram, scanTable } from "./port-scan.ts";

interface Answers {
  readonly address: string;
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

export interface ContainerWalls {
  readonly seen: readonly Answers[];
  readonly expected: readonly Answers[];
  /** A table for people: one line per address. */
  readonly table: readonly string[];
}

const metadata = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254"];

/**
 * From a container in a machine, scans everything nearby: this computer at each of its addresses, the machine, the
 * metadata service. On EC2, the machine's edge and the VPC's resolver would answer.
 *
 * @param machine a shell of the machine
 * @param app runs a Python program in the container
 */
export async function scanFromContainer(
  { docker, instanceId }: { readonly docker: Docker; readonly instanceId: string },
  machine: MachineShell,
  app: (program: string) => Promise<string>,
): Promise<ContainerWalls> {
  const around = await findNeighbours(docker, instanceId);
  const bridge = await machine("docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}'");
  const others = around.others.filter((address) => address !== bridge);
  const addresses = [around.gateway, around.machine, bridge, ...others, ...metadata];
  const scanned = readScan(
    await app(scanProgram({ addresses, udpPorts: around.udpPorts, nameServers: [[around.gateway, 53]] })),
  );
  return {
    seen: scanned.map(({ address, open, names }) => ({ address, tcp: open, udp: names })),
    expected: addresses.map((address) => ({
      address,
      tcp: [around.machine, bridge].includes(address) ? [80] : [],
      udp: address === around.gateway ? [53] : [],
    })),
    table: scanTable(scanned),
  };
}
