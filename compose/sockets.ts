/** The ports at which something receives from others. Those on a loopback address don't count. */
export interface Sockets {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

/** Reads /proc/net/tcp and tcp6, then a line `udp`, then /proc/net/udp and udp6. */
export function parseSockets(tables: string): Sockets {
  const [tcp = "", udp = ""] = tables.split(/^udp$/m);
  // 0A: listening. 07: a UDP socket that isn't connected to one peer.
  return { tcp: listPorts(tcp, "0A"), udp: listPorts(udp, "07") };
}

function listPorts(table: string, wanted: string): readonly number[] {
  const ports = new Set<number>();
  for (const line of table.split("\n")) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    // An IPv4 address is written backwards: 127.0.0.11 is 0B00007F.
    const loopback = (address.length === 8 && address.endsWith("7F")) || /^0{24}01000000$/.test(address);
    if (state === wanted && !loopback) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].toSorted((a, b) => a - b);
}
