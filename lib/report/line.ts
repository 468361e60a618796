/** What a terminal obeys, or doesn't show: controls, C1, marks of direction, zero widths, line breaks of every kind. */
const unsafe = /(?!\uFE0F)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const lineBreaks = /[\n\r\v\f\u0085\u2028\u2029]\s*/g;
const longestLine = 4_000;

/**
 * One line for a terminal. Whatever is in it is harmless there; colours of ours are the only sequences. There is no other
 * way to make one than the functions of this file, and what prints takes nothing else: text that isn't ours can't get
 * past them by being forgotten.
 */
export class Line {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  /** Cleans each value and leaves the template's own text as it is. A line in it stays what it is, colours included. */
  static of(this: void, parts: TemplateStringsArray, ...values: readonly (Line | string | number)[]): Line {
    const [first = "", ...rest] = parts;
    const pieces = values.map((value, index) => `${clean(value)}${rest[index] ?? ""}`);
    return new Line(`${first}${pieces.join("")}`);
  }

  /** A line with colours around it. */
  static paint(color: (text: string) => string, value: Line | string | number): Line {
    return new Line(color(clean(value)));
  }

  /** A text that is many lines and isn't cut: only a line feed ends a line. */
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

/** Written as JSON writes them, so that JSON stays the same JSON. */
export function escapeUnsafe(text: string): string {
  return text.replaceAll(unsafe, (character) =>
    Array.from({ length: character.length }, (_none, index) => escapeUnit(character.charCodeAt(index))).join(
      "",
    ),
  );
}

const escapeUnit = (unit: number): string => `\\u${unit.toString(16).padStart(4, "0")}`;

const mostLines = 100;

/** Of too many lines the first and the last, and between them how many were left out. */
export function boundLines(lines: readonly string[]): readonly string[] {
  if (lines.length <= mostLines) return lines;
  const half = mostLines / 2;
  const left = lines.length - mostLines;
  return [...lines.slice(0, half), `… ${left} lines left out`, ...lines.slice(-half)];
}
