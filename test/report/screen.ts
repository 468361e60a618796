import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";

const upAndErase = "\r\u001B\\[(\\d+)A\u001B\\[J";

/** A fake terminal or pipe that shows its content. It interprets the sequence with which Berth redraws, and drops colours. */
export class FakeScreen extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  /** How often something was written. */
  writes = 0;
  #rows: string[] = [];

  constructor({ isTTY = true, columns = 80 } = {}) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.writes += 1;
    const [first = "", ...rest] = text.split(new RegExp(upAndErase));
    this.#print(first);
    for (let index = 0; index < rest.length; index += 2) {
      this.#rows.splice(this.#rows.length - Number(rest[index]));
      this.#print(rest[index + 1] ?? "");
    }
    done();
  }

  #print(text: string): void {
    if (text === "") return;
    if (!text.endsWith("\n")) throw new TypeError(`a line that doesn't end: ${JSON.stringify(text)}`);
    this.#rows.push(...stripVTControlCharacters(text).slice(0, -1).split("\n"));
  }

  get shown(): readonly string[] {
    return [...this.#rows];
  }
}
