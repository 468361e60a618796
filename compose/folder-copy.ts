import { createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import { type Pack, pack } from "tar-stream";
import { walk } from "./isolation/host-path.ts";

/**
 * Copies a folder's content from this computer to a path in a container, with owners and modes. The container need not
 * run.
 */
export async function copyFolder(
  container: Docker.Container,
  { source, target }: { readonly source: string; readonly target: string },
): Promise<void> {
  const archive = pack();
  await Promise.all([
    container.putArchive(Readable.from(archive), { path: target }),
    writeFolder(archive, source).catch((error: unknown) => {
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
}

async function writeFolder(archive: Pack, folder: string): Promise<void> {
  await writeEntry(archive, folder, "./");
  for await (const { path } of walk(folder)) await writeEntry(archive, path, `./${relative(folder, path)}`);
  archive.finalize();
}

/** Leaves out sockets, pipes and devices, whose copies would be useless. */
async function writeEntry(archive: Pack, path: string, name: string): Promise<void> {
  const info = await lstat(path);
  const header = {
    name,
    mode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
    mtime: info.mtime,
  };
  if (info.isDirectory()) archive.entry({ ...header, type: "directory" });
  if (info.isSymbolicLink()) archive.entry({ ...header, type: "symlink", linkname: await readlink(path) });
  if (!info.isFile()) return;
  if (info.size === 0) {
    archive.entry(header, "");
    return;
  }
  const entry = archive.entry({ ...header, size: info.size });
  // Reads only the size noted before, because the file may grow in the meantime.
  await pipeline(createReadStream(path, { end: info.size - 1 }), entry);
}
