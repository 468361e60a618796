import { shortHash } from "../short-hash.ts";
import { imageText, minuteText, shortCaller } from "./figures.ts";
import type { PastRelease } from "./history.ts";

const head = ["", "release", "published", "by", "commit", "image", "took"] as const;

/** The history as a table, newest first. A commit with an asterisk had changes that weren't committed. */
export function historyLines(history: readonly PastRelease[]): string[] {
  if (history.length === 0) return ["no release yet"];
  const rows = history.map((one) => [
    String(one.number),
    one.result,
    one.at === undefined ? "not on record" : minuteText(one.at),
    one.by === undefined ? "" : shortCaller(one.by),
    one.commit === undefined ? "" : `${shortHash(one.commit)}${one.isClean === false ? "*" : ""}`,
    one.image === undefined ? "" : imageText(one.image),
    tookText(one.seconds),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_title, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [lineOf(head), ...rows.flatMap((row, at) => [lineOf(row), ...notesOf(history[at])])];
}

/** From publication to its end. */
const tookText = (seconds: PastRelease["seconds"]): string =>
  seconds?.["hosts"] === undefined ? "" : `${seconds["hosts"].toFixed(1)} s`;

function notesOf(one: PastRelease | undefined): string[] {
  const { rolledBack, reason, problem, result } = one ?? {};
  return [
    ...(rolledBack === undefined ? [] : [`    rolled back from ${rolledBack.from} to ${rolledBack.to}`]),
    ...(reason === undefined ? [] : [`    ${result === "failed" ? "" : "at first: "}${reason}`]),
    ...(problem === undefined ? [] : [`    ${problem}`]),
  ];
}
