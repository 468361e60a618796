import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
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
    throw await unreadable(file, shown, error);
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

const example = ["stack: hello", "region: eu-central-1", "app:", "  source: .", "  port: 8080"];

async function unreadable(file: string, shown: string, cause: unknown): Promise<BerthError> {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR")
    return missing(file, `there is no configuration file ${shown}`, cause);
  const reasons = new Map<unknown, string>([
    ["EISDIR", "it is a folder"],
    ["EACCES", "you may not read it"],
  ]);
  const reason = reasons.get(code) ?? String(code ?? cause);
  return new BerthError({
    code: "NoConfiguration",
    message: `can't read the configuration file ${shown}: ${reason}`,
    hint: "correct that, or name another file with --config",
    exitCode: exitCodes.badInput,
    cause,
  });
}

/**
 * The error for a file that isn't there. It names a file beside it that was probably meant, and shows a whole one otherwise.
 */
export async function missing(file: string, message: string, cause?: unknown): Promise<BerthError> {
  const near = await findNear(file);
  const another = near && join(dirname(file), near);
  return new BerthError({
    code: "NoConfiguration",
    message: near === undefined ? message : `${message}; ${near} lies beside it`,
    ...(near === undefined ? { detail: example } : {}),
    hint:
      another === undefined
        ? "write one, or name another with --config; the lines above are a whole one"
        : `rename ${near} to ${basename(file)}, or name it: --config ${nameFromHere(another)}`,
    exitCode: exitCodes.badInput,
    cause,
  });
}

const nameFromHere = (file: string): string => {
  const near = relative(process.cwd(), file);
  return near.startsWith("..") ? file : near;
};

/** A file in the same folder with the same name, but for case, a leading dot, and how its ending is spelled. */
async function findNear(file: string): Promise<string | undefined> {
  const bare = (name: string) =>
    name
      .toLowerCase()
      .replace(/^\./, "")
      .replace(/\.(?:ya?ml|json)$/, "");
  const isLike = (name: string) =>
    /\.(?:ya?ml|json)$/i.test(name) && bare(name) === bare(basename(file)) && name !== basename(file);
  const entries = await readdir(dirname(file), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((one) => !one.isDirectory() && isLike(one.name))
    .map(({ name }) => name)
    .toSorted()[0];
}
