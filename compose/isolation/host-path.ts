import { lstat, readdir, readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Dirent } from "node:fs";
import { isSystemFailure, systemCodeOf } from "../../lib/system-errors.ts";

export type HostPath =
  | { readonly kind: "missing" }
  | { readonly kind: "file" | "folder"; readonly path: string }
  | { readonly kind: "refused"; readonly reason: string };

/** The most that one test of a cluster copies. */
export const copyLimit = { bytes: 512 * 2 ** 20, entries: 100_000 };

/** A folder with more entries than this counts as too large to be searched. */
const lookLimit = 300_000;

// Files in these folders belong to the kernel: merely reading or opening one can have an effect.
const kernelFolders = ["/proc", "/sys", "/dev"];

/** What a path in a resolved file leads to on this computer, with links followed. Compose doubles each dollar sign. */
export async function lookAtHost(path: string): Promise<HostPath> {
  try {
    const real = await realpath(path.replaceAll("$$", "$"));
    const info = await lstat(real);
    if (real === sep) return { kind: "refused", reason: "it is all of this computer's file system" };
    if (kernelFolders.some((one) => isWithin(real, one)))
      return { kind: "refused", reason: `${real} is the kernel's` };
    if (info.isFile()) return { kind: "file", path: real };
    if (info.isDirectory()) return { kind: "folder", path: real };
    return { kind: "refused", reason: `${real} is a ${nameKind(info)}, through which others are reached` };
  } catch (error) {
    if (isSystemFailure(error, "absent")) return { kind: "missing" };
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    return { kind: "refused", reason: `it can't be looked at (${code})` };
  }
}

/**
 * Why a folder that is mounted read-only still leads outside, if it does: sockets and devices in it can still be used,
 * and a file system mounted below it stays writable (engines before 25).
 */
export async function findWayOut(folder: string, mountinfo?: string): Promise<string | undefined> {
  const mounted = findMountBelow(folder, mountinfo ?? (await readMountinfo()));
  if (mounted !== undefined) return `${mounted} is mounted inside it, and would be writable`;
  let seen = 0;
  for await (const { entry, path } of walk(folder)) {
    seen += 1;
    if (seen > lookLimit) return `it has more than ${lookLimit} entries, too many to look through`;
    if (!entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink())
      return `${path} in it is a ${nameKind(entry)}, through which others are reached`;
  }
  return undefined;
}

/**
 * Everything below a folder, with each folder before its content. Doesn't follow links. Throws when something can't be
 * read.
 */
export async function* walk(
  folder: string,
): AsyncGenerator<{ readonly entry: Dirent; readonly path: string }> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    yield { entry, path };
    if (entry.isDirectory()) yield* walk(path);
  }
}

/** Why a folder can't be copied, if it can't. */
export async function findCopyObstacle(folder: string): Promise<string | undefined> {
  let [entries, bytes] = [0, 0];
  try {
    for await (const { entry, path } of walk(folder)) {
      entries += 1;
      if (entry.isFile()) bytes += (await lstat(path)).size;
      if (entries > copyLimit.entries) return `it has more than ${copyLimit.entries} entries`;
      if (bytes > copyLimit.bytes) return `it has more than ${copyLimit.bytes / 2 ** 20} MiB`;
    }
    return undefined;
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    return `not all of it can be read (${code})`;
  }
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === sep ? sep : `${folder}${sep}`);

interface Kind {
  isSocket(): boolean;
  isFIFO(): boolean;
}

const nameKind = (info: Kind): string => (info.isSocket() ? "socket" : info.isFIFO() ? "pipe" : "device");

/**
 * Finds a file system that is mounted below a folder. /proc/self/mountinfo has the path in its fifth field, with a
 * space as \040.
 */
const findMountBelow = (folder: string, mountinfo: string): string | undefined =>
  mountinfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .find((one) => one !== folder && isWithin(one, folder));

async function readMountinfo(): Promise<string> {
  try {
    return await readFile("/proc/self/mountinfo", "utf8");
  } catch (error) {
    // Not Linux: there the engine runs in a virtual machine, which shares folders one by one.
    if (isSystemFailure(error, "absent")) return "";
    throw error;
  }
}
