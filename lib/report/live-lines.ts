import type { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";

const redrawMs = 120;

/** Lines at the foot of a terminal that are drawn again as they change. Elsewhere only what is printed is seen. */
export class LiveLines {
  readonly #stream: NodeJS.WriteStream | WriteStream;
  readonly #lines = new Map<string, () => string>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY && process.env["TERM"] !== "dumb";
  }

  set(name: string, text: () => string): void {
    this.#lines.set(name, text);
    if (!this.isTerminal) return;
    this.#timer ??= setInterval(() => this.#draw(), redrawMs);
    this.#timer.unref();
  }

  drop(name: string): void {
    this.#lines.delete(name);
  }

  print(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  clear(): void {
    this.#erase();
    this.#lines.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#stream.write(`\u001B[${this.#drawn}A\u001B[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.isTerminal) return;
    this.#erase();
    const width = this.#stream.columns || 80;
    for (const text of this.#lines.values()) this.#stream.write(`${fit(text(), width - 1)}\n`);
    this.#drawn = this.#lines.size;
  }
}

/** A line that wraps would be two, and the next redraw would go up one too few. Too long a line loses its colours. */
function fit(text: string, width: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length <= width ? text : plain.slice(0, width);
}
