import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { type ContextEntry, modeOf, openEntry } from "../build-context.ts";
import type { Source } from "../source.ts";
import type { SentEntry, SentFolders } from "./file-sync.ts";

/** Go's bits for what isn't a regular file: https://pkg.go.dev/io/fs#FileMode */
const typeBits = { directory: 2 ** 31, symlink: 2 ** 27, file: 0 } as const;

/**
 * The two folders that BuildKit knows for a build: the source, and one with the Dockerfile alone. The Dockerfile may thus
 * lie anywhere, and COPY gets it only if it is source too.
 */
export function foldersOf(source: Source): { readonly folders: SentFolders; readonly dockerfile: string } {
  const dockerfile = basename(source.dockerfile);
  const recipe = Buffer.from(source.recipe);
  const content = () => Readable.from([recipe]);
  const folders = new Map([
    ["context", inOrder(source).map((entry) => sentEntry(source.folder, entry))],
    ["dockerfile", [{ stat: { path: dockerfile, mode: 0o644, size: recipe.length }, open: content }]],
  ]);
  return { folders, dockerfile };
}

function sentEntry(folder: string, entry: ContextEntry): SentEntry {
  const { path, mtimeNs, type } = entry;
  const stat = { path, mode: typeBits[type] + modeOf(entry), modTime: String(mtimeNs) };
  if (entry.type === "directory") return { stat };
  if (entry.type === "symlink") return { stat: { ...stat, linkname: entry.target } };
  return { stat: { ...stat, size: entry.sizeBytes }, open: () => openEntry(folder, entry) };
}

/** BuildKit takes a folder before what is in it, the names of one folder in the order of their bytes, and no gaps. */
function inOrder({ entries }: Source): ContextEntry[] {
  const known = new Set(entries.map(({ path }) => path));
  const parents = new Set(entries.flatMap(({ path }) => parentsOf(path)).filter((path) => !known.has(path)));
  const missing = [...parents].map((path): ContextEntry => ({ type: "directory", path, mtimeNs: 0n }));
  const sortable = [...entries, ...missing].map((entry) => ({
    entry,
    key: Buffer.from(entry.path.replaceAll("/", "\0")),
  }));
  return sortable.toSorted((a, b) => Buffer.compare(a.key, b.key)).map(({ entry }) => entry);
}

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === "." ? [] : [parent, ...parentsOf(parent)];
}
