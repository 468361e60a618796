import { z } from "zod";

/** What is scanned: every TCP port of each address, some of its UDP ports, and a DNS query to it. */
export interface ScanTargets {
  readonly addresses: readonly string[];
  readonly udpPorts: readonly number[];
  /** Those that must answer, each with its UDP port. */
  readonly nameServers: readonly (readonly [address: string, port: number])[];
}

const portOutcome = z.object({
  address: z.string(),
  /** TCP ports that accepted a connection, and UDP ports that sent anything back. */
  open: z.array(z.number()),
  names: z.array(z.number()),
  /** The number of other ports by result: `refused`, `unreachable`, `silent`. */
  closed: z.record(z.string(), z.number()),
});

export type ScannedAddress = z.infer<typeof portOutcome>;

/**
 * A Python program that scans from where it runs, and prints a result for `readScan`. It is bounded: 65,535 TCP ports
 * per address, 16,000 at once, each for at most a second. One that must answer names gets more: a process may be busy.
 */
export function scanProgram(targets: ScanTargets): string {
  return `targets = ${JSON.stringify(targets)}\n${program}`;
}

const program = String.raw`
import collections, errno, json, resource, select, socket, struct, time
limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
BATCH = min(16000, most - 64)
WAIT_SECONDS, NAME_SECONDS = 1, 30
NAMES = {0: "open", errno.ECONNREFUSED: "refused", errno.EHOSTUNREACH: "unreachable", errno.ENETUNREACH: "unreachable",
         errno.EACCES: "unreachable", errno.EPERM: "unreachable", errno.EADDRNOTAVAIL: "unreachable"}

def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET

def open_socket(address, kind):
    made = socket.socket(family(address), kind)
    made.setblocking(False)
    return made

def knock(address, ports):
    """TCP: how each port's connection ended."""
    seen, waiting, poll = {}, {}, select.epoll()
    for port in ports:
        made = open_socket(address, socket.SOCK_STREAM)
        code = made.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            waiting[made.fileno()] = (made, port)
            poll.register(made.fileno(), select.EPOLLOUT | select.EPOLLERR)
        else:
            seen[port] = NAMES.get(code, errno.errorcode.get(code, str(code)))
            made.close()
    end = time.monotonic() + WAIT_SECONDS
    while waiting:
        left = end - time.monotonic()
        ready = poll.poll(max(0, left))
        # What came while this program stood still counts.
        if left <= 0 and not ready:
            break
        for number, _ in ready:
            made, port = waiting.pop(number)
            code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            seen[port] = NAMES.get(code, errno.errorcode.get(code, str(code)))
            poll.unregister(number)
            made.close()
    for made, port in waiting.values():
        seen[port] = "silent"
        made.close()
    poll.close()
    return seen

QUESTION = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\x03sts\x09amazonaws\x03com\x00" + struct.pack(">2H", 1, 1)

def ask(address, port):
    """UDP: whether a question for a name has any answer."""
    made = socket.socket(family(address), socket.SOCK_DGRAM)
    made.settimeout(NAME_SECONDS if [address, port] in targets["nameServers"] else WAIT_SECONDS)
    try:
        made.connect((address, port))
        made.send(QUESTION)
        return len(made.recv(512)) > 0
    except OSError:
        return False
    finally:
        made.close()

def scan(address):
    seen = {}
    for first in range(1, 65536, BATCH):
        seen.update(knock(address, range(first, min(first + BATCH, 65536))))
    closed = collections.Counter(how for how in seen.values() if how != "open")
    names = [port for port in targets["udpPorts"] if ask(address, port)]
    return {"address": address, "open": sorted(p for p in seen if seen[p] == "open"), "names": names, "closed": closed}

print(json.dumps([scan(address) for address in targets["addresses"]]))
`;

/** @throws ZodError when it isn't what the program prints */
export function readScan(output: string): ScannedAddress[] {
  return z.array(portOutcome).parse(JSON.parse(output));
}

/** A table as lines: each address, the ports that answered, and the results of the others. */
export function scanTable(scanned: readonly ScannedAddress[]): string[] {
  return scanned.map(({ address, open, names, closed }) => {
    const answered = [...open.map((port) => `tcp ${port}`), ...names.map((port) => `udp ${port}`)];
    const rest = Object.entries(closed).map(([how, count]) => `${count} ${how}`);
    return `${address.padEnd(18)} ${(answered.join(", ") || "nothing").padEnd(24)} ${rest.join(", ")}`;
  });
}
