import { readdir, readFile, readlink } from "node:fs/promises";

/** The other addresses on which the process behind this Unix socket listens: TCP and UDP, as /proc shows them. */
export async function listOtherListeners(socketPath: string): Promise<string[]> {
  const unix = await readRows("/proc/net/unix");
  const inode = unix.find((fields) => fields.at(-1) === socketPath)?.[6];
  if (inode === undefined) throw new Error(`Nobody listens at ${socketPath}`);
  const sockets = await findSockets(inode);
  const found: string[] = [];
  for (const protocol of ["tcp", "tcp6", "udp", "udp6"]) {
    for (const [, address = "", , state, , , , , , own = ""] of await readRows(`/proc/net/${protocol}`)) {
      const isOpen = protocol.startsWith("udp") || state === "0A";
      if (isOpen && sockets.has(own)) found.push(`${protocol} ${address}`);
    }
  }
  return found;
}

const readRows = async (path: string): Promise<string[][]> =>
  (await readFile(path, "utf8")).split("\n").map((line) => line.trim().split(/\s+/));

/** The inodes of all sockets of the process that owns this one. */
async function findSockets(inode: string): Promise<Set<string>> {
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const sockets = await readSockets(pid);
    if (sockets.has(inode)) return sockets;
  }
  throw new Error(`No process has the socket ${inode}`);
}

async function readSockets(pid: string): Promise<Set<string>> {
  // Processes may end meanwhile, and those of other users can't be read.
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
