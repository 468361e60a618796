/** A line is longer than it may be; whoever sends it has it kept in memory whole. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
}

export interface LineOptions {
  /** Without the line's end. */
  readonly longestBytes: number;
  /** Whether what comes after the last line's end is a line too. */
  readonly takesOpenEnd: boolean;
}

/**
 * The lines of a stream, by `\n` alone. Node's readline has no bound, takes other characters for ends too, and loses the stream's
 * errors.
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
