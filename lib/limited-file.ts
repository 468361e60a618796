import { constants, open } from "node:fs/promises";

/**
 * Reads a regular file, and no more of it than one byte above the limit, by which the caller sees that there is more. A
 * pipe or a device may be named too, by a link among others: it would be waited for, or fill the memory.
 *
 * @throws Error with the reason in a few words.
 */
export async function readLimited(path: string, mostBytes: number): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!(await file.stat()).isFile()) throw new Error("it is no regular file");
  const pieces: Buffer[] = [];
  for await (const piece of file.createReadStream({ end: mostBytes, autoClose: false }))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}
