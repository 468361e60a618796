import type { YAMLParseError } from "yaml";
import { type Problem, problemAt } from "./problems.ts";
import type { Source } from "./source.ts";

/** Where the YAML library's own words are for whoever calls it. */
const words: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS:
    "a second document begins here; a file declares one stack, so put the other one into a file of its own",
  RESOURCE_EXHAUSTION: "it is nested too deep",
};

/**
 * The problems of a file that isn't YAML. The parser says what it can't read; where a line shows what was probably meant,
 * that is said instead, and the parser's further errors, which follow from the first, aren't shown.
 */
export function syntaxProblems(text: string, source: Source): Problem[] {
  const { errors } = source.document;
  const [first] = errors;
  if (first === undefined) return [];
  const lines = text.split("\n").map(readLine);
  const at = source.lines.linePos(first.pos[0]).line - 1;
  const slip = findSlip(lines, at) ?? quoting(lines[at], first);
  if (slip !== undefined) return [problemAt(slip.line.offset(source), source, slip.message)];
  return errors.map(({ code, pos, message }) => problemAt(pos[0], source, words[code] ?? message));
}

interface Line {
  readonly number: number;
  /** Spaces and tabs before the text. */
  readonly indent: string;
  /** Without hyphens of a list, and without a comment after it. */
  readonly content: string;
  /** Where the content begins, after hyphens of a list. */
  readonly column: number;
  readonly isItem: boolean;
  readonly offset: (source: Source) => number;
}

interface Slip {
  readonly line: Line;
  readonly message: string;
}

function readLine(raw: string, index: number): Line {
  const [, indent = "", hyphens = "", rest = ""] =
    /^([ \t]*)((?:- +)*)(.*)$/.exec(raw.replace(/\r$/, "")) ?? [];
  return {
    number: index + 1,
    indent,
    content: rest.startsWith("#") ? "" : rest.replace(/\s+#.*$/, "").trimEnd(),
    column: indent.length + hyphens.length,
    isItem: hyphens !== "",
    offset: ({ lines }) => (lines.lineStarts[index] ?? 0) + indent.length,
  };
}

const isWritten = ({ content, isItem }: Line): boolean => content !== "" || isItem;
const keyOf = ({ content }: Line): string | undefined =>
  /^["']?([A-Za-z_][\w.-]*)["']?:(?:\s|$)/.exec(content)?.[1];

/** Looks at the line of the error, and at the next one: the parser often stops at the end of the line before. */
function findSlip(lines: readonly Line[], at: number): Slip | undefined {
  const next = lines.slice(at + 1).findIndex(isWritten);
  const near = [at, ...(next < 0 ? [] : [at + 1 + next])];
  for (const index of near) {
    const line = lines[index];
    if (line === undefined) continue;
    const message = spelling(line) ?? indentation(line, lines.slice(0, index).filter(isWritten));
    if (message !== undefined) return { line, message };
  }
  return undefined;
}

function spelling({ indent, content }: Line): string | undefined {
  if (indent.includes("\t"))
    return "a tab stands before this line; YAML takes spaces only, two for each level";
  const [, glued, value] = /^([A-Za-z_][\w.-]*):([^\s/:].*)$/.exec(content) ?? [];
  if (glued !== undefined) return `write a space after the colon: ${glued}: ${value}`;
  const [, name, rest] = /^([A-Za-z_][\w.-]*)\s+([^\s:]+)$/.exec(content) ?? [];
  if (name !== undefined) return `a colon is missing: ${name}: ${rest}`;
  const [, item] = /^-([A-Za-z_]\S*:.*)$/.exec(content) ?? [];
  return item === undefined ? undefined : `write a space after the hyphen: - ${item}`;
}

/** Compares how far the lines above are indented that this one may belong to. */
function indentation(line: Line, above: readonly Line[]): string | undefined {
  const key = keyOf(line);
  const previous = above.at(-1);
  if (key === undefined || line.isItem) return undefined;
  const has = line.column;
  if (previous === undefined)
    return has === 0 ? undefined : told(key, has, "nothing stands above; none were meant");
  const first = keyOf(previous);
  if (above.length === 1 && first !== undefined && has < previous.column) {
    const where = `"${first}" in line ${previous.number}`;
    return told(key, has, `${previous.column} before ${where}, which belongs to the same map: write none`);
  }
  // The deepest first: of two that are equally near, it is the likelier one.
  const levels = openLevels(above).toReversed();
  const isDeeper = previous.content.endsWith(":") && has > previous.column;
  if (isDeeper || levels.some(({ column }) => column === has)) return undefined;
  const [nearest] = levels.toSorted((a, b) => Math.abs(a.column - has) - Math.abs(b.column - has));
  if (nearest === undefined) return undefined;
  const { column, content, number } = nearest;
  const where = `"${keyOf(nearest) ?? content}" in line ${number}`;
  return told(
    key,
    has,
    `${column === 0 ? "none" : column} before ${where}: probably ${column === 0 ? "none" : column} were meant`,
  );
}

const told = (key: string, count: number, rest: string): string =>
  `${count === 0 ? "no spaces" : count === 1 ? "1 space" : `${count} spaces`} before "${key}", ${rest}`;

/** The last line of each level that goes on: those that are indented less than every line after them. */
function openLevels(above: readonly Line[]): Line[] {
  const levels: Line[] = [];
  for (const line of above) {
    while ((levels.at(-1)?.column ?? -1) >= line.column) levels.pop();
    levels.push(line);
  }
  return levels;
}

/** Values that YAML reads as something of its own need quotes. */
function quoting(line: Line | undefined, { code }: YAMLParseError): Slip | undefined {
  if (line === undefined || (code !== "BAD_SCALAR_START" && code !== "BLOCK_AS_IMPLICIT_KEY"))
    return undefined;
  const [, key, value = ""] = /^([^\s:]+):\s+([^"'[{].*)$/.exec(line.content) ?? [];
  const isCause = code === "BAD_SCALAR_START" || value.includes(": ");
  if (key === undefined || !isCause || value.includes('"')) return undefined;
  return {
    line,
    message: `YAML reads the value of "${key}" as something of its own; put it in quotes: ${key}: "…"`,
  };
}
