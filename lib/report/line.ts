import { wrap } from "./wrap.ts";

/**
 * Characters that control a terminal or are invisible: control characters, C1, direction marks, zero-width characters,
 * line breaks of every kind.
 */
const unsafe = /(?!\uFE0F)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const lineBreaks = /[\n\r\v\f\u0085\u2028\u2029]\s*/g;
const longestLine = 4_000;

/**
 * One line that is safe to print on a terminal; Berth's own colours are its only escape sequences. Only the functions
 * of this file make a Line, and everything that prints takes only Lines, so no foreign text can reach the terminal
 * uncleaned by mistake.
 */
export class Line {
  readonly #text: string;
  readonly #indent: number | undefined;

  private constructor(text: string, indent?: number) {
    this.#text = text;
    this.#indent = indent;
  }

  toString(): string {
    return this.#text;
  }

  /** The same line; if it has to be wrapped, its further rows begin at this column. */
  hanging(indent: number): Line {
    return new Line(this.#text, indent);
  }

  /** The line in rows of at most `width` columns. */
  wrap(width: number): Line[] {
    return wrap(this.#text, width, this.#indent).map((row) => new Line(row));
  }

  /**
   * Cleans each value and leaves the template's own text unchanged. A value that is a Line already stays unchanged,
   * colours included.
   */
  static of(this: void, parts: TemplateStringsArray, ...values: readonly (Line | string | number)[]): Line {
    const [first = "", ...rest] = parts;
    const pieces = values.map((value, index) => `${clean(value)}${rest[index] ?? ""}`);
    return new Line(`${first}${pieces.join("")}`);
  }

  /** Wraps a line in colours. */
  static paint(color: (text: string) => string, value: Line | string | number): Line {
    return new Line(color(clean(value)));
  }

  /** Splits a text of many lines without shortening them. Only a line feed ends a line. */
  static split(text: string): Line[] {
    return text
      .split("\n")
      .map((line) => new Line(escapeUnsafe(line.replace(/\r$/, "").replaceAll("\t", "  "))));
  }
}

export const line = Line.of;

function clean(value: Line | string | number): string {
  if (value instanceof Line) return value.toString();
  const text = String(value);
  const kept = text.length <= longestLine ? text : text.slice(0, longestLine);
  const shown = escapeUnsafe(kept.replaceAll(lineBreaks, " ").replaceAll("\t", "    "));
  return kept === text ? shown : `${shown}… (${text.length - longestLine} more characters)`;
}

/** Escapes unsafe characters as JSON does, so that JSON keeps its meaning. */
export function escapeUnsafe(text: string): string {
  return text.replaceAll(unsafe, (character) =>
    Array.from({ length: character.length }, (_none, index) => escapeUnit(character.charCodeAt(index))).join(
      "",
    ),
  );
}

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, "0")}`;

const mostLines = 100;

/** When there are too many lines, keeps the first and the last and says in between how many were left out. */
export function boundLines(lines: readonly string[]): readonly string[] {
  if (lines.length <= mostLines) return lines;
  const half = mostLines / 2;
  const left = lines.length - mostLines;
  return [...lines.slice(0, half), `… ${left} lines left out`, ...lines.slice(-half)];
}
