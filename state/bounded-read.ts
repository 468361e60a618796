import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { longestBody } from "../lib/strict-json.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

/**
 * Reads a body, but not much more than the allowed length. The parser refuses a body that is too long. The length that the
 * sender declares isn't trusted.
 */
export async function readBounded(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early destroys the stream, which closes the connection.
  for await (const chunk of body) {
    const piece = Buffer.from(chunk);
    chunks.push(piece);
    bytes += piece.length;
    if (bytes > longestRead) break;
  }
  return Buffer.concat(chunks).subarray(0, longestRead).toString("utf8");
}

// A character cut in two decodes to a replacement character of three bytes, so a few bytes more still exceed the limit.
const longestRead = longestBody + 4;

/** Reads one of Berth's own files as text; undefined if there is none. Doesn't follow a symbolic link. */
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
