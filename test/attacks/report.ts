import { printable } from "../../lib/printable.ts";
import type { Row } from "./attack.ts";

const longest = { name: 64, words: 60 };

/** A table for people: one line per attack, with those that differ repeated at the end. */
export function tableOf(rows: readonly Row[]): string {
  const differing = rows.filter(({ isAsExpected }) => !isAsExpected);
  const lines = [
    line("", "from", "attack", "expected", "seen"),
    ...rows.map(rowText),
    "",
    ...differing.map(
      (row) => `differs: ${row.from}: ${row.name}: expected ${row.expected}, seen ${row.seen}`,
    ),
    `${rows.length} attacks, ${rows.length - differing.length} as expected, ${differing.length} not`,
  ];
  return lines.map((text) => `${text.trimEnd()}\n`).join("");
}

function rowText({ from, name, expected, seen, isAsExpected }: Row): string {
  return line(isAsExpected ? "ok" : "DIFFERS", from, name, expected, isAsExpected ? "as expected" : seen);
}

function line(mark: string, from: string, name: string, expected: string, seen: string): string {
  const cells = [
    mark.padEnd(7),
    from.padEnd(13),
    printable(name, longest.name).padEnd(longest.name),
    printable(expected, longest.words).padEnd(longest.words),
    printable(seen, longest.words),
  ];
  return cells.join("  ");
}
