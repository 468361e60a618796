import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { longestBody } from "../lib/strict-json.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

/**
 * What a body holds, and of one that is too long no more than shows that it is: what parses it refuses it for that. What
 * the sender says of its length counts for nothing.
 */
export async function readBounded(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early ends the stream, and with it the connection.
  for await (const chunk of body) {
    const piece = Buffer.from(chunk);
    chunks.push(piece);
    bytes += piece.length;
    if (bytes > longestRead) break;
  }
  return Buffer.concat(chunks).subarray(0, longestRead).toString("utf8");
}

// A character that is cut in two still counts as one of three bytes.
const longestRead = longestBody + 4;

/** A file of Berth's own as text, or undefined when there is none. A symbolic link isn't followed. */
export async function readOwnFile(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (isSystemFailure(error, "absent")) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    return await readBounded(file.createReadStream({ autoClose: false }));
  } finally {
    await file.close();
  }
}
