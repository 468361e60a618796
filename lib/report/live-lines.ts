import { stripVTControlCharacters } from "node:util";
import { type Line, line } from "./line.ts";
import { printLines, printWrapped, type Screen } from "./terminal.ts";

const redrawMs = 120;

/** Lines at the bottom of a terminal that are redrawn as they change. Without a terminal, only printed lines are shown. */
export class LiveLines {
  readonly #screen: Screen;
  readonly #lines = new Map<string, () => Line>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  get isTerminal(): boolean {
    return this.#screen.isTTY === true && process.env["TERM"] !== "dumb";
  }

  set(name: string, text: () => Line): void {
    this.#lines.set(name, text);
    if (!this.isTerminal) return;
    this.#timer ??= setInterval(() => this.#draw(), redrawMs);
    this.#timer.unref();
  }

  drop(name: string): void {
    this.#lines.delete(name);
  }

  print(...lines: readonly Line[]): void {
    this.#erase();
    printWrapped(this.#screen, ...lines);
    this.#draw();
  }

  clear(): void {
    this.#erase();
    this.#lines.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A terminal echoes `^C` where the cursor stands, so the cursor has to go back to the first column too. */
  #erase(): void {
    if (this.#drawn > 0) this.#screen.write(`\r\u001B[${this.#drawn}A\u001B[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.isTerminal) return;
    this.#erase();
    const width = this.#screen.columns || 80;
    printLines(this.#screen, ...[...this.#lines.values()].map((text) => fit(text(), width - 1)));
    this.#drawn = this.#lines.size;
  }
}

/**
 * Shortens a line to the width: a wrapped line takes two rows, and the next redraw would move up one row too few. A
 * shortened line loses its colours.
 */
function fit(shown: Line, width: number): Line {
  const plain = stripVTControlCharacters(shown.toString());
  return plain.length <= width ? shown : line`${plain.slice(0, width)}`;
}
