/** The ports at which something receives from others. Those on a loopback address don't count. */
export interface Sockets {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
  /** The loopback addresses on which something listens by TCP: `127.0.0.1:8080`. */
  readonly local: readonly string[];
}

interface Socket {
  readonly host: string | undefined;
  readonly port: number;
}

/** Docker's own name server, in each container on a network of a project. */
const nameServer = "127.0.0.11";

/** Reads /proc/net/tcp and tcp6, then a line `udp`, then /proc/net/udp and udp6. */
export function parseSockets(tables: string): Sockets {
  const [tcp = "", udp = ""] = tables.split(/^udp$/m);
  // 0A: listening. 07: a UDP socket that isn't connected to one peer.
  const listening = listSockets(tcp, "0A");
  const local = listening.flatMap(({ host, port }) =>
    host === undefined || host === nameServer ? [] : [`${host}:${port}`],
  );
  return { tcp: portsOf(listening), udp: portsOf(listSockets(udp, "07")), local: [...new Set(local)] };
}

/** What a service listens on, in words that follow "listens on". */
export function describePorts(ports: readonly number[], local: readonly string[], none: string): string {
  if (ports.length > 0) return ports.join(", ");
  return local.length === 0
    ? none
    : `${local.join(", ")} only, where nobody outside of its container can reach it; have it listen on 0.0.0.0`;
}

function listSockets(table: string, wanted: string): readonly Socket[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    return state === wanted ? [{ host: findLoopback(address), port: Number.parseInt(port, 16) }] : [];
  });
}

const portsOf = (sockets: readonly Socket[]): readonly number[] =>
  [...new Set(sockets.filter(({ host }) => host === undefined).map(({ port }) => port))].toSorted(
    (a, b) => a - b,
  );

/** The loopback address that the kernel's notation stands for. An IPv4 address is written backwards: 0B00007F is 127.0.0.11. */
function findLoopback(address: string): string | undefined {
  if (/^0{24}01000000$/.test(address)) return "[::1]";
  const mapped = /^0{16}FFFF0000(.{6}7F)$/.exec(address)?.[1];
  const written = mapped ?? (/^.{6}7F$/.test(address) ? address : undefined);
  return written === undefined ? undefined : [...Buffer.from(written, "hex")].toReversed().join(".");
}
