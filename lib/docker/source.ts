import { createHash } from "node:crypto";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Readable } from "node:stream";
import { BerthError, exitCodes } from "../errors.ts";
import { readLimited } from "../limited-file.ts";
import { fromRoot } from "../paths.ts";
import { defaultRules } from "./default-rules.ts";
import { type ContextEntry, packContext, readContext } from "./build-context.ts";
import { filesOf, type SecretSources } from "./build-secrets.ts";
import { offerDockerfile } from "./offered-dockerfile.ts";
import { findPrivate } from "./private-names.ts";

export interface SourceOptions {
  /** The app's folder: the build context. */
  readonly source: string;
  /** May lie outside the source folder. Default: the folder's own Dockerfile, else Berth's for a Go module. */
  readonly dockerfile?: string | undefined;
  /** Default `linux/amd64`. */
  readonly platform?: string | undefined;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** The stage to build. Default: the last one. */
  readonly target?: string | undefined;
  readonly secrets?: SecretSources | undefined;
  /** Absolute paths of what isn't source although it lies in the folder, such as the state. */
  readonly withheld?: readonly string[] | undefined;
}

/** What an image is built from, identified by content. Opening a source reads every file once and writes nothing. */
export interface Source {
  readonly folder: string;
  readonly dockerfile: string;
  readonly platform: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly secrets: SecretSources;
  /**
   * sha256 in hex of everything that determines the image: the visible files, the Dockerfile, build arguments, target,
   * platform, and the names of the secrets.
   */
  readonly hash: string;
  /** `src-` and 16 hex digits of the hash: the image's tag. */
  readonly tag: string;
  /** Files that the build can see although they look private. */
  readonly privatePaths: readonly string[];
  /** The text of the Dockerfile. */
  readonly recipe: string;
  readonly entries: readonly ContextEntry[];
  /** The build context as a tar, which contains the Dockerfile as `packedDockerfile`. */
  pack(): Readable;
}

/**
 * The Dockerfile's name in the build context. The Dockerfile may thus lie anywhere, and is never confused with a file
 * of the app.
 */
export const packedDockerfile = ".berth.dockerfile";

const ownGoDockerfile = fromRoot("dockerfiles/go-web/Dockerfile");

/** Throws `SourceMissing` or `DockerfileMissing`, with the path. */
export async function openSource(options: SourceOptions): Promise<Source> {
  const folder = resolve(options.source);
  await requireFolder(folder);
  const dockerfile = await findDockerfile(folder, options.dockerfile);
  await requireInside(folder, dockerfile);
  const recipe = await readInstructions(dockerfile);
  const rules = await readIgnoreRules(folder, dockerfile);
  const { platform = "linux/amd64", buildArgs = {}, secrets = {}, target } = options;
  const withheld = await findInside(folder, [...(options.withheld ?? []), ...filesOf(secrets)]);
  const entries = await readContext(folder, { ignored: `${defaultRules}\n${rules}`, withheld });
  const hash = hashOf({ platform, buildArgs, target, secrets: Object.keys(secrets), recipe, entries });
  const isRulesVisible = entries.some(({ path }) => path === ".dockerignore");
  const added = [
    { path: packedDockerfile, bytes: recipe },
    { path: ".dockerignore", bytes: hidingRules(rules, isRulesVisible) },
  ];
  return {
    folder,
    dockerfile,
    platform,
    buildArgs,
    target,
    secrets,
    hash,
    tag: `src-${hash.slice(0, 16)}`,
    privatePaths: await findPrivate(folder, entries),
    recipe: recipe.toString("utf8"),
    entries,
    pack: () => packContext(folder, entries, added),
  };
}

interface Decisive extends Pick<Source, "platform" | "buildArgs" | "target" | "entries"> {
  readonly secrets: readonly string[];
  readonly recipe: Buffer;
}

// Registries hold images under this hash. What isn't set is left out, so that a new setting leaves other hashes alone.
function hashOf({ platform, buildArgs, target, secrets, recipe, entries }: Decisive): string {
  return sha256(
    JSON.stringify({
      format: 1,
      platform,
      buildArgs: Object.entries(buildArgs).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      target,
      secrets: secrets.length === 0 ? undefined : secrets.toSorted(),
      dockerfile: sha256(recipe),
      entries: entries.map(({ mtimeNs: _mtimeNs, ...identity }) => identity),
    }),
  );
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

async function requireFolder(folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats?.isDirectory()) return;
  throw new BerthError({
    code: "SourceMissing",
    message: stats
      ? `The app's source ${folder} is not a folder`
      : `The app's source folder ${folder} does not exist`,
    hint: "set app.source to the folder that holds the app",
    exitCode: exitCodes.badInput,
  });
}

async function findDockerfile(folder: string, explicit: string | undefined): Promise<string> {
  const own = explicit === undefined ? join(folder, "Dockerfile") : resolve(explicit);
  if (await isFile(own)) return own;
  if (explicit === undefined && (await isFile(join(folder, "go.mod")))) return ownGoDockerfile;
  const offered = explicit === undefined ? await offerDockerfile(folder) : undefined;
  throw new BerthError({
    code: "DockerfileMissing",
    message: `there is no Dockerfile at ${own}`,
    ...(offered === undefined ? {} : { detail: offered }),
    hint: hintFor(explicit, offered, await isGo(folder)),
    exitCode: exitCodes.badInput,
  });
}

/** Whether the folder's own files are a Go program. Without go.mod, they are no module yet. */
async function isGo(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => name.endsWith(".go"));
}

function hintFor(
  explicit: string | undefined,
  offered: readonly string[] | undefined,
  isGoWithoutModule: boolean,
): string {
  if (explicit !== undefined)
    return "correct app.dockerfile, or remove it to use the one in the source folder";
  if (offered === undefined && isGoWithoutModule)
    return "run go mod init app && go mod tidy in that folder: a Go module needs no Dockerfile; or write one there, or name one by app.dockerfile";
  return offered === undefined
    ? "write one there, or name one by app.dockerfile. A Go module needs none; for Node and Python one is offered where package.json, requirements.txt or app.py lies"
    : "save the lines above there, and a .dockerignore that names what the image shouldn't have; correct the last line if the app starts otherwise";
}

/** Far more than anybody writes by hand. Without the limit, a stranger's file could fill the memory. */
const mostInstructionBytes = 1024 * 1024;

async function readInstructions(path: string): Promise<Buffer> {
  const bytes = await readLimited(path, mostInstructionBytes);
  if (bytes.length <= mostInstructionBytes) return bytes;
  throw new BerthError({
    code: "SourceUnreadable",
    message: `${path} has more than 1 MiB, which no builder needs`,
    hint: "make it shorter, or put the files that it names into a folder that it names",
    exitCode: exitCodes.badInput,
  });
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}

/**
 * A Dockerfile or ignore file in the folder is packed and shown, so it must not be a link to a file outside: the folder
 * may come from a stranger. A Dockerfile elsewhere that the configuration names is the user's own choice.
 */
async function requireInside(folder: string, path: string): Promise<void> {
  if (leaves(folder, path)) return;
  const [from, to] = await Promise.all([realpath(folder), realpath(path)]);
  if (!leaves(from, to)) return;
  throw new BerthError({
    code: "SourceLeavesFolder",
    message: `${path} is a link out of the app's source folder, to ${to}`,
    hint: "put a copy in its place; a Dockerfile elsewhere can be named by app.dockerfile",
    exitCode: exitCodes.badInput,
  });
}

/** Those of the paths that lie in the folder, relative to it, by whatever links they are named. */
async function findInside(folder: string, paths: readonly string[]): Promise<Set<string>> {
  const real = (path: string) => realpath(path).catch(() => path);
  const from = await real(folder);
  const found = await Promise.all(paths.map(async (path) => relative(from, await real(path))));
  return new Set(found);
}

const leaves = (folder: string, path: string): boolean => /^\.\.(?:\/|$)/.test(relative(folder, path));

// Looks in the same order as Docker, and last in the Dockerfile's folder, for a Dockerfile that is kept apart from the
// app.
async function readIgnoreRules(folder: string, dockerfile: string): Promise<string> {
  const candidates = [
    join(dirname(dockerfile), `${basename(dockerfile)}.dockerignore`),
    join(folder, ".dockerignore"),
    join(dirname(dockerfile), ".dockerignore"),
  ];
  for (const path of candidates) {
    if (!(await isFile(path))) continue;
    await requireInside(folder, path);
    return (await readInstructions(path)).toString("utf8").replace(/^\uFEFF/, "");
  }
  return "";
}

// The engine reads these two files itself. The rules tell it to hide them from COPY.
function hidingRules(rules: string, isVisible: boolean): Buffer {
  return Buffer.from(`${rules}\n${packedDockerfile}\n${isVisible ? "" : ".dockerignore\n"}`);
}
