import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Alias, Document, Node, Pair, Scalar } from "yaml";
import { findAliases } from "./aliases.ts";

/** A parsed file, with all that is needed to find a place in it. */
export interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  /** What each alias stands for. One that is missing leads nowhere. */
  readonly aliases: ReadonlyMap<Alias, Node>;
}

/** shape.ts looks for duplicate keys, because the YAML library compares each key with every other one. */
export function parseSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: "error", uniqueKeys: false } as const;
  const document = parseDocument(text, options);
  return { file, document, lines, aliases: findAliases(document) };
}

export type Path = readonly PropertyKey[];

/** A value with the place at which a user looks for it: its key in a map, or itself in a list. */
interface Entry {
  readonly offset: number | undefined;
  readonly value: unknown;
}

/** `file:line:column` of the key at the path, or of its nearest parent that is in the file. */
export function place(path: Path, source: Source): string {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const offset = findEntry(path.slice(0, depth), source)?.offset;
    if (offset !== undefined) return placeOf(offset, source);
  }
  return `${source.file}:1:1`;
}

export function placeOf(offset: number, { file, lines }: Source): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
}

/** Follows aliases, so that a path leads into what they stand for. */
export function findEntry(path: Path, source: Source): Entry | undefined {
  let entry: Entry | undefined = { offset: 0, value: source.document.contents };
  for (const key of path) entry = entry && findInner(targetOf(entry.value, source), key);
  return entry;
}

function findInner(node: unknown, key: PropertyKey): Entry | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item: Pair) => isScalar(item.key) && textOf(item.key) === String(key));
    return pair && isScalar(pair.key) ? { offset: pair.key.range?.[0], value: pair.value } : undefined;
  }
  const item = isSeq<Node>(node) && typeof key === "number" ? node.items[key] : undefined;
  return item && { offset: item.range?.[0], value: item };
}

/** What an alias stands for; any other node itself. */
export const targetOf = (node: unknown, { aliases }: Source): unknown =>
  isAlias(node) ? aliases.get(node) : node;

/** A scalar as it is written. YAML turns `1.10` into 1.1, and keeps beside it what the file says. */
export function textOf({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? "");
}
