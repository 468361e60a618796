import { BerthError, exitCodes } from "../errors.ts";
import { readLimited } from "../limited-file.ts";

/** Where a build secret's value comes from: a variable of whoever runs `up`, or a file by its absolute path. */
type SecretSource = { readonly env: string } | { readonly file: string };

/** By the ids under which a Dockerfile asks for them. */
export type SecretSources = Readonly<Record<string, SecretSource>>;

/** BuildKit takes no larger one. */
const largestBytes = 500 * 1024;

/** The files that hold secrets. */
export function filesOf(secrets: SecretSources): string[] {
  return Object.values(secrets).flatMap((source) => ("file" in source ? [source.file] : []));
}

/** Reads the values of all secrets, which happens only for a build. Throws `BuildSecretMissing`. */
export async function readSecrets(secrets: SecretSources): Promise<ReadonlyMap<string, Buffer>> {
  const read = Object.entries(secrets).map(
    async ([id, source]) => [id, await readSecret(id, source)] as const,
  );
  return new Map(await Promise.all(read));
}

async function readSecret(id: string, source: SecretSource): Promise<Buffer> {
  const value = "env" in source ? fromEnvironment(id, source.env) : await fromFile(id, source.file);
  if (value.length <= largestBytes) return value;
  throw missing(id, `holds more than the ${largestBytes} bytes that BuildKit takes at most`);
}

function fromEnvironment(id: string, name: string): Buffer {
  const value = process.env[name];
  if (value === undefined) throw missing(id, `comes from the environment variable ${name}, which isn't set`);
  return Buffer.from(value);
}

async function fromFile(id: string, path: string): Promise<Buffer> {
  try {
    return await readLimited(path, largestBytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw missing(id, `comes from a file that can't be read: ${reason}`, cause);
  }
}

function missing(id: string, reason: string, cause?: unknown): BerthError {
  return new BerthError({
    code: "BuildSecretMissing",
    message: `the build's secret ${id} ${reason}`,
    hint: `set it as app.build.secrets.${id} says, or correct that; nothing in AWS was touched`,
    exitCode: exitCodes.badInput,
    cause,
  });
}

/** Hides every secret in a line that a build wrote: a Dockerfile may print what it was given. */
export function hideSecrets(text: string, secrets: ReadonlyMap<string, Buffer>): string {
  const pieces = [...secrets.values()].flatMap((value) => value.toString("utf8").split(/\r?\n/));
  return pieces
    .map((piece) => piece.trim())
    .filter((piece) => piece.length >= shortest)
    .toSorted((a, b) => b.length - a.length)
    .reduce((hidden, piece) => hidden.replaceAll(piece, "***"), text);
}

/** Hiding shorter pieces would blank out ordinary words and tell what the secret is. */
const shortest = 4;
