import type { Socket } from "node:net";
import { LineTooLong, splitLines } from "../../lines.ts";
import { isSystemFailure } from "../../system-errors.ts";

/**
 * The lines that come in. Whoever sends one longer than that many bytes is cut off. Ends with the connection, however that
 * ends; leaves it open when the reader leaves.
 */
export async function* readLines(socket: Socket, longestBytes: number): AsyncGenerator<string, undefined> {
  try {
    const chunks = socket.iterator({ destroyOnReturn: false });
    yield* splitLines(chunks, { longestBytes, takesOpenEnd: false });
  } catch (error) {
    // Cut: as good as ended to whoever reads.
    if (error instanceof LineTooLong) socket.destroy();
    else if (!isSystemFailure(error, "cut off")) throw error;
  }
  return undefined;
}
