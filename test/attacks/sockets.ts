import { readdir, readFile, readlink } from "node:fs/promises";

/** A TCP port that a process of the embedded AWS listens on. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/** All TCP ports on which the process and its children listen, as this computer's kernel knows them. */
export async function listListeners(pid: number): Promise<Listener[]> {
  const inodes = new Set((await Promise.all((await familyOf(pid)).map(socketsOf))).flat());
  const rows = (await readFile("/proc/net/tcp", "utf8")).trim().split("\n").slice(1);
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode = ""] = row.trim().split(/\s+/);
    return state === "0A" && inodes.has(inode) ? [parseAddress(local)] : [];
  });
}

async function familyOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, "utf8").catch(() => "")),
  );
  const children = texts.flatMap((text) => text.split(" ").filter(Boolean).map(Number));
  return [pid, ...(await Promise.all(children.map(familyOf))).flat()];
}

async function socketsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** `0100007F:1F90` is 127.0.0.1:8080. */
function parseAddress(text: string): Listener {
  const [address = "", port = ""] = text.split(":");
  const bytes = [...Buffer.from(address, "hex")].toReversed();
  return { address: bytes.join("."), port: Number.parseInt(port, 16) };
}
