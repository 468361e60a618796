/** A line exceeds the limit. Without the limit, a sender could fill the memory with a single line. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

export interface LineOptions {
  /** The limit for one line, without its line feed. */
  readonly longestBytes: number;
  /** Whether text after the last line feed counts as a line. */
  readonly takesOpenEnd: boolean;
}

/**
 * Splits a stream into lines at `\n` only. Node's readline has no length limit, also splits at other characters, and loses
 * the stream's errors.
 *
 * @throws LineTooLong
 */
export async function* splitLines(
  chunks: AsyncIterable<unknown>,
  { longestBytes, takesOpenEnd }: LineOptions,
): AsyncGenerator<string, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, toBytes(chunk)]);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      if (end > longestBytes) throw new LineTooLong();
      const line = rest.subarray(0, end).toString("utf8");
      rest = rest.subarray(end + 1);
      yield line;
    }
    if (rest.length > longestBytes) throw new LineTooLong();
  }
  if (takesOpenEnd && rest.length > 0) yield rest.toString("utf8");
  return undefined;
}

const toBytes = (chunk: unknown): Buffer => (Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
