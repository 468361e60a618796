import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline as pipe, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import type { Pack } from "tar-stream";
import { BerthError, exitCodes } from "../errors.ts";
import { printable } from "../printable.ts";
import { readIgnoreRules } from "./ignore-rules.ts";

/** One entry of the build context. `path` is relative to the source folder, with forward slashes. */
export type ContextEntry = {
  readonly path: string;
  /** The modification time, in nanoseconds since 1970. It reaches the image but doesn't identify it, as with Docker. */
  readonly mtimeNs: bigint;
} & (
  | { readonly type: "directory" }
  | { readonly type: "symlink"; readonly target: string }
  | {
      readonly type: "file";
      readonly executable: boolean;
      readonly sizeBytes: number;
      readonly sha256: string;
    }
);

export type FileEntry = ContextEntry & { readonly type: "file" };

/**
 * Git keeps one bit of a file's mode, and so does Berth. The rest depends on the umask of whoever builds, and would give
 * the same source different images.
 */
export function modeOf(entry: ContextEntry): number {
  if (entry.type === "symlink") return 0o777;
  return entry.type === "directory" || entry.executable ? 0o755 : 0o644;
}

/** A file that Berth generates. It is packed in addition to the folder's files, or in place of one. */
export interface AddedFile {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface ContextRules {
  /** The lines of a `.dockerignore`. */
  readonly ignored: string;
  /** Paths in the folder that no rule takes back: what Berth itself writes, and files with secrets. */
  readonly withheld?: ReadonlySet<string>;
}

/** Lists everything in the folder that the rules include, sorted by path. Changes nothing. */
export async function readContext(
  folder: string,
  { ignored, withheld }: ContextRules,
): Promise<ContextEntry[]> {
  const rules = readIgnoreRules(ignored);
  const entries: ContextEntry[] = [];

  const visit = async (path: string): Promise<void> => {
    if (path !== "" && withheld?.has(path)) return;
    const isIgnored = path !== "" && rules.ignores(path);
    const entry = path === "" ? undefined : await readEntry(folder, path, isIgnored);
    if (entry && !isIgnored) entries.push(entry);
    if (path !== "" && entry?.type !== "directory") return;
    if (isIgnored && !rules.mayReinclude) return;
    for (const name of await readNames(folder, path, isIgnored)) {
      const below = path === "" ? name.toString("utf8") : `${path}/${name.toString("utf8")}`;
      if (isUtf8(name)) await visit(below);
      // Node would read another file, or none: it replaces the bytes that aren't UTF-8.
      else if (!rules.ignores(below)) throw unreadable(escaped(path, name), "its name isn't UTF-8");
    }
  };
  await visit("");
  return withoutHolders(entries, withheld ?? new Set()).toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Leaves out folders that hold nothing but what is withheld: Berth itself makes them, for the state. */
function withoutHolders(entries: readonly ContextEntry[], withheld: ReadonlySet<string>): ContextEntry[] {
  const holders = new Set([...withheld].flatMap(foldersOf));
  const filled = new Set(
    entries
      .filter(({ type, path }) => type !== "directory" || !holders.has(path))
      .flatMap(({ path }) => foldersOf(path)),
  );
  return entries.filter(({ path }) => !holders.has(path) || filled.has(path));
}

/** `a/b/c` lies in `a` and `a/b`. */
const foldersOf = (path: string): string[] =>
  path
    .split("/")
    .slice(0, -1)
    .map((_name, index, names) => names.slice(0, index + 1).join("/"));

async function readNames(folder: string, path: string, isIgnored: boolean): Promise<Buffer[]> {
  try {
    return await readdir(join(folder, path), { encoding: "buffer" });
  } catch (cause) {
    if (isIgnored) return [];
    throw unreadable(path === "" ? folder : path, reasonOf(cause), cause);
  }
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
    if (cause instanceof BerthError) throw cause;
    throw unreadable(path, reasonOf(cause), cause);
  }
}

async function lookAt(folder: string, path: string, isIgnored: boolean): Promise<ContextEntry | undefined> {
  const full = join(folder, path);
  const stats = await lstat(full, { bigint: true });
  const { mtimeNs } = stats;
  if (stats.isDirectory()) return { type: "directory", path, mtimeNs };
  if (isIgnored) return undefined;
  if (stats.isSymbolicLink()) return { type: "symlink", path, target: await readTarget(full, path), mtimeNs };
  if (!stats.isFile()) return undefined;
  const executable = (stats.mode & 0o100n) !== 0n;
  return {
    type: "file",
    path,
    executable,
    sizeBytes: Number(stats.size),
    sha256: await hashFile(full),
    mtimeNs,
  };
}

async function readTarget(full: string, path: string): Promise<string> {
  const target = await readlink(full, { encoding: "buffer" });
  if (!isUtf8(target)) throw unreadable(path, "the name that it leads to isn't UTF-8");
  return target.toString("utf8");
}

function unreadable(path: string, reason: string, cause?: unknown): BerthError {
  return new BerthError({
    code: "SourceUnreadable",
    message: `the app's source holds ${printable(path)}, which can't be read: ${reason}`,
    hint: "rename it, make it readable, or leave it out by .dockerignore",
    exitCode: exitCodes.badInput,
    cause,
  });
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The path with `\xe9` for a byte that isn't ASCII, as `ls --quoting-style=c` shows it. */
function escaped(folder: string, name: Buffer): string {
  const shown = [...name].map((byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`,
  );
  return join(folder, shown.join(""));
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The file's content. The stream fails with `SourceChanged` when it isn't what was read first. */
export function openEntry(folder: string, entry: FileEntry): Readable {
  const content = createReadStream(join(folder, entry.path));
  const checked = verify(entry);
  content.once("error", (cause) => checked.destroy(changed(entry, cause)));
  // The callback has nothing to do: whoever reads the second stream gets the error.
  return pipe(content, checked, () => {});
}

/**
 * Packs the entries as a tar, streamed file by file. Equal entries give equal bytes, whoever owns the files. The stream
 * fails with `SourceChanged` when a file has changed since it was first read.
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
    const mtime = new Date(Number(entry.mtimeNs / 1_000_000n));
    const header = { name: entry.path, mode: modeOf(entry), mtime, uid: 0, gid: 0 };
    if (entry.type === "directory") tar.entry({ ...header, type: "directory" });
    else if (entry.type === "symlink") tar.entry({ ...header, type: "symlink", linkname: entry.target });
    else {
      const sink = tar.entry({ ...header, type: "file", size: entry.sizeBytes });
      await pipeline(openEntry(folder, entry), sink);
    }
  }
  for (const { path, bytes } of added) tar.entry({ name: path, mtime: new Date(0), uid: 0, gid: 0 }, bytes);
}

// An image whose tag names other content than the image holds would be deployed as "unchanged" from then on.
function verify(entry: FileEntry): Transform {
  const hash = createHash("sha256");
  let seenBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      seenBytes += chunk.length;
      if (seenBytes > entry.sizeBytes) done(changed(entry));
      else done(null, chunk);
    },
    flush(done) {
      done(hash.digest("hex") === entry.sha256 ? null : changed(entry));
    },
  });
}

function changed({ path }: FileEntry, cause?: unknown): BerthError {
  return new BerthError({
    code: "SourceChanged",
    message: `${printable(path)} changed while it was being packed`,
    hint: "run the command again when nothing writes to the source folder",
    cause,
  });
}
