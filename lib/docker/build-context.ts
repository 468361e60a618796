import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Pack } from "tar-stream";
import { BerthError, exitCodes } from "../errors.ts";
import { printable } from "../printable.ts";
import { readIgnoreRules } from "./ignore-rules.ts";

/** One entry of the build context. `path` is relative to the source folder, with forward slashes. */
export type ContextEntry =
  | { readonly type: "directory"; readonly path: string }
  | { readonly type: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly type: "file";
      readonly path: string;
      readonly executable: boolean;
      readonly sizeBytes: number;
      readonly sha256: string;
    };

/** A file that Berth generates. It is packed in addition to the folder's files, or in place of one. */
export interface AddedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Lists everything in the folder that the `.dockerignore` rules include, sorted by path. Changes nothing. */
export async function readContext(folder: string, rules: string): Promise<ContextEntry[]> {
  const ignored = readIgnoreRules(rules);
  const entries: ContextEntry[] = [];

  const visit = async (path: string): Promise<void> => {
    const isIgnored = path !== "" && ignored.ignores(path);
    const entry = path === "" ? undefined : await readEntry(folder, path, isIgnored);
    if (entry && !isIgnored) entries.push(entry);
    if (path !== "" && entry?.type !== "directory") return;
    if (isIgnored && !ignored.mayReinclude) return;
    for (const name of await readdir(join(folder, path))) await visit(path === "" ? name : `${path}/${name}`);
  };
  await visit("");
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

// Sockets, pipes and devices are not source: a build gets none of them, as with the docker command.
async function readEntry(
  folder: string,
  path: string,
  isIgnored: boolean,
): Promise<ContextEntry | undefined> {
  try {
    return await lookAt(folder, path, isIgnored);
  } catch (cause) {
    if (isIgnored) return undefined;
    throw unreadable(path, cause);
  }
}

async function lookAt(folder: string, path: string, isIgnored: boolean): Promise<ContextEntry | undefined> {
  const full = join(folder, path);
  const stats = await lstat(full);
  if (stats.isDirectory()) return { type: "directory", path };
  if (isIgnored) return undefined;
  if (stats.isSymbolicLink()) return { type: "symlink", path, target: await readlink(full) };
  if (!stats.isFile()) return undefined;
  const executable = (stats.mode & 0o111) !== 0;
  return { type: "file", path, executable, sizeBytes: stats.size, sha256: await hashFile(full) };
}

function unreadable(path: string, cause: unknown): BerthError {
  // Node replaces bytes that aren't UTF-8 with this character, and so gives a path that doesn't exist.
  const isNoText = path.includes("\uFFFD");
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BerthError({
    code: "SourceUnreadable",
    message: `the app's source holds ${printable(path)}, which can't be read: ${isNoText ? "its name isn't UTF-8" : reason}`,
    hint: "rename it, make it readable, or leave it out by .dockerignore",
    exitCode: exitCodes.badInput,
    cause,
  });
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/**
 * Packs the entries as a tar, streamed file by file. Equal entries give equal bytes, whatever the owners and
 * modification times of the files. The stream fails with `SourceChanged` when a file has changed since it was first
 * read.
 */
export function packContext(
  folder: string,
  entries: readonly ContextEntry[],
  added: readonly AddedFile[],
): Readable {
  const tar = pack();
  fill(tar, folder, { entries, added }).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(tar);
}

interface Contents {
  readonly entries: readonly ContextEntry[];
  readonly added: readonly AddedFile[];
}

async function fill(tar: Pack, folder: string, { entries, added }: Contents): Promise<void> {
  const replaced = new Set(added.map((file) => file.path));
  for (const entry of entries) {
    if (replaced.has(entry.path)) continue;
    const header = { name: entry.path, mtime: new Date(0), uid: 0, gid: 0 };
    if (entry.type === "directory") tar.entry({ ...header, type: "directory", mode: 0o755 });
    else if (entry.type === "symlink") {
      tar.entry({ ...header, type: "symlink", linkname: entry.target, mode: 0o777 });
    } else {
      const mode = entry.executable ? 0o755 : 0o644;
      const sink = tar.entry({ ...header, type: "file", mode, size: entry.sizeBytes });
      await pipeline(createReadStream(join(folder, entry.path)), verify(entry), sink);
    }
  }
  for (const { path, bytes } of added) tar.entry({ name: path, mtime: new Date(0), uid: 0, gid: 0 }, bytes);
}

// An image whose tag names other content than the image holds would be deployed as "unchanged" from then on.
function verify(entry: ContextEntry & { type: "file" }): Transform {
  const hash = createHash("sha256");
  let seenBytes = 0;
  const changed = () =>
    new BerthError({
      code: "SourceChanged",
      message: `${entry.path} changed while it was being packed`,
      hint: "run the command again when nothing writes to the source folder",
    });
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      seenBytes += chunk.length;
      if (seenBytes > entry.sizeBytes) done(changed());
      else done(null, chunk);
    },
    flush(done) {
      done(hash.digest("hex") === entry.sha256 ? null : changed());
    },
  });
}
