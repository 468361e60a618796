import { formatBytes } from "./records.ts";

/** Adds up the progress of all parts of a transfer, such as an image's layers. */
export class TransferProgress {
  readonly #verb: string;
  readonly #parts = new Map<string, { current: number; total: number }>();
  #last = "";

  /** @param verb `pushing` */
  constructor(verb: string) {
    this.#verb = verb;
  }

  /** A new line, when there is something new to say: `pushing 2.1 MB of 5.9 MB`. */
  add(
    id: string | undefined,
    { current, total }: { readonly current?: number; readonly total?: number } = {},
  ): string | undefined {
    if (id === undefined || current === undefined || !total) return undefined;
    // The engine also counts a layer's tar framing, so `current` may exceed `total`.
    this.#parts.set(id, { current: Math.min(current, total), total });
    let sum = { current: 0, total: 0 };
    for (const part of this.#parts.values()) {
      sum = { current: sum.current + part.current, total: sum.total + part.total };
    }
    const line =
      sum.current === sum.total
        ? `${this.#verb} ${formatBytes(sum.total)}`
        : `${this.#verb} ${formatBytes(sum.current)} of ${formatBytes(sum.total)}`;
    if (line === this.#last) return undefined;
    this.#last = line;
    return line;
  }
}
