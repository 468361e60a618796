import type { Socket } from "node:net";
import { LineTooLong, splitLines } from "../../lines.ts";
import { isSystemFailure } from "../../system-errors.ts";

/**
 * The lines that arrive. A line longer than `longestBytes` closes the connection. The generator ends with the
 * connection, however that ends, and leaves it open when the caller stops reading.
 */
export async function* readLines(socket: Socket, longestBytes: number): AsyncGenerator<string, undefined> {
  try {
    const chunks = socket.iterator({ destroyOnReturn: false });
    yield* splitLines(chunks, { longestBytes, takesOpenEnd: false });
  } catch (error) {
    // To the caller, a connection that breaks is one that has ended.
    if (error instanceof LineTooLong) socket.destroy();
    else if (!isSystemFailure(error, "cut off")) throw error;
  }
  return undefined;
}
