import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { BerthError, exitCodes } from "../errors.ts";
import { badConfiguration } from "./problems.ts";

const longestFile = 256 * 1024;

/** Reads at most as many bytes as a configuration may have, whatever the path leads to. */
export async function readText(file: string, shown: string): Promise<string> {
  const bytes: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file, { end: longestFile })) {
      const piece = Buffer.from(chunk);
      bytes.push(piece);
      size += piece.length;
    }
  } catch (error) {
    throw unreadable(shown, error);
  }
  const whole = Buffer.concat(bytes);
  const text = whole.toString("utf8");
  if (size > longestFile) {
    const where = `${shown}:${text.split("\n").length}:1`;
    throw refuse(shown, where, "the file goes on past 256 KiB, which no stack needs");
  }
  if (isUtf8(whole)) return text;
  const good = text.slice(0, goodLength(whole, text)).split("\n");
  const where = `${shown}:${good.length}:${(good.at(-1)?.length ?? 0) + 1}`;
  throw refuse(shown, where, "the file isn't UTF-8 from here on; save it as UTF-8");
}

/** How many characters were read rightly: Node puts U+FFFD for bytes that aren't UTF-8, and says nothing. */
function goodLength(bytes: Buffer, text: string): number {
  const again = Buffer.from(text);
  const firstBad = again.findIndex((byte, index) => byte !== bytes[index]);
  return again.subarray(0, firstBad).toString("utf8").length;
}

const refuse = (shown: string, where: string, message: string): BerthError =>
  badConfiguration(shown, [{ where, path: "", message }]);

const example = [
  "stack: hello",
  "region: eu-central-1",
  "app:",
  "  source: dockerfiles/go-web",
  "  port: 8080",
];

function unreadable(shown: string, cause: unknown): BerthError {
  return new BerthError({
    code: "NoConfiguration",
    message: `can't read the configuration file ${shown}`,
    detail: example,
    hint: "write one, or name another with --config; the lines above are a whole one",
    exitCode: exitCodes.badInput,
    cause,
  });
}
