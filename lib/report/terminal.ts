import type { Writable } from "node:stream";
import pc from "picocolors";
import { createInterface } from "node:readline/promises";
import { BerthError, exitCodes } from "../errors.ts";
import { escapeUnsafe, Line } from "./line.ts";

/** An output stream that people read. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface Screens {
  readonly stdout: Screen;
  readonly stderr: Screen;
}

/** This process's own streams. Nothing else in Berth writes to them; the linter enforces that. */
export const ownScreens: Screens = process;

export type Paint = ReturnType<typeof pc.createColors>;

export function paintFor(screen: Screen): Paint {
  return pc.createColors(screen.isTTY === true && !process.env["NO_COLOR"]);
}

export function printLines(screen: Screen, ...lines: readonly Line[]): void {
  screen.write(lines.map((one) => `${one.toString()}\n`).join(""));
}

/** Like `printLines`, but on a terminal it breaks long lines at spaces. Elsewhere programs read them. */
export function printWrapped(screen: Screen, ...lines: readonly Line[]): void {
  const width = screen.columns || usualColumns;
  printLines(screen, ...(screen.isTTY === true ? lines.flatMap((one) => one.wrap(width)) : lines));
}

const usualColumns = 80;

/** Prints an object as one line of valid JSON, without any character that controls a terminal. */
export function printJson(screen: Screen, value: object): void {
  screen.write(`${escapeUnsafe(JSON.stringify(value))}\n`);
}

/** Prints a text of Berth's own that is data, such as a help text, to stdout. */
export function printText(text: string): void {
  printWrapped(ownScreens.stdout, ...Line.split(text.replace(/\n$/, "")));
}

/** Prints a text for another program to stdout: no line is broken, however narrow the terminal. */
export function printVerbatim(text: string): void {
  printLines(ownScreens.stdout, ...Line.split(text.replace(/\n$/, "")));
}

/** Prints a line about the progress, outside any report, to stderr. */
export function printNote(text: string): void {
  printLines(ownScreens.stderr, Line.of`${text}`);
}

/**
 * Asks a question on the terminal and returns what was typed.
 *
 * @throws BerthError `Interrupted` when the user pressed Ctrl-C or Ctrl-D, or the signal was aborted.
 */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: ownScreens.stderr });
  try {
    return await terminal.question(`${Line.of`${question}`.toString()} `, { signal });
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== "AbortError") throw cause;
    // The cursor still stands behind the question.
    ownScreens.stderr.write("\n");
    throw new BerthError({
      code: "Interrupted",
      message: "Cancelled; nothing changed",
      exitCode: exitCodes.interrupted,
      cause,
    });
  } finally {
    terminal.close();
  }
}
