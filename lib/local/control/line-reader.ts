import type { Socket } from "node:net";
import { isSystemFailure } from "../../system-errors.ts";

/**
 * The lines that come in. Whoever sends one longer than that many bytes is cut off: it would be kept in memory whole. Ends with
 * the connection, however that ends; leaves it open when the reader leaves.
 */
export async function* readLines(socket: Socket, longestBytes: number): AsyncGenerator<string, undefined> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      rest = Buffer.concat([rest, toBytes(chunk)]);
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        if (end > longestBytes) return void socket.destroy();
        const line = rest.subarray(0, end).toString("utf8");
        rest = rest.subarray(end + 1);
        yield line;
      }
      if (rest.length > longestBytes) return void socket.destroy();
    }
  } catch (error) {
    // Cut: as good as ended to whoever reads.
    if (!isSystemFailure(error, "cut off")) throw error;
  }
  return undefined;
}

const toBytes = (chunk: unknown): Buffer => (Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
