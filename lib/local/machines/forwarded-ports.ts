import type { ForwardedPort } from "../network/port-forwarder.ts";
import type { DescribedInstance, Rule } from "./instances.ts";

/**
 * A rule for more ports than this opens only the first of them, and the usual ones: each port takes a socket of this
 * computer.
 */
export const mostPortsOfRule = 64;

/** Pure. The ports to forward to one instance: none without an Elastic IP that this computer can listen on. */
export function forwardedPortsOf(
  instance: DescribedInstance,
  rules: readonly Rule[],
  machine: string,
): ForwardedPort[] {
  const { publicAddress: address } = instance;
  if (address === undefined || !address.startsWith("127.")) return [];
  const sourcesByPort = new Map<number, Set<string>>();
  for (const rule of rules) {
    if (rule.sources.length === 0) continue;
    for (const port of portsOf(rule)) {
      const sources = sourcesByPort.get(port) ?? new Set();
      for (const source of rule.sources) sources.add(source);
      sourcesByPort.set(port, sources);
    }
  }
  return [...sourcesByPort].map(([port, sources]) => ({ address, port, sources: [...sources], machine }));
}

const usualPorts = [80, 443, 8080, 8443];

/** The ports to listen on for a rule: all ports of a narrow range, and of a wide one the usual ports and the first ones. */
export function portsOf(rule: Rule): number[] {
  const first = Math.max(1, rule.firstPort);
  const count = Math.max(0, rule.lastPort - first + 1);
  const ports = Array.from({ length: Math.min(count, mostPortsOfRule) }, (_, index) => first + index);
  if (count <= mostPortsOfRule) return ports;
  const inside = usualPorts.filter((port) => port >= first && port <= rule.lastPort);
  return [...new Set([...inside, ...ports])];
}
