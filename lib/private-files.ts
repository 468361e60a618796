import { constants } from "node:fs";
import { lstat, mkdir, open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BerthError } from "./errors.ts";
import { isSystemFailure } from "./system-errors.ts";

const othersBits = 0o077;

/**
 * Makes sure that the folder exists and that only its owner can enter it, even if something else created it.
 *
 * @throws BerthError `UnsafeFolder` for a symbolic link, a file, or another user's folder.
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    // The path is a dangling link or a file. `closeToOthers` refuses both below.
    if (!isSystemFailure(error, "occupied", "not a folder")) throw error;
  });
  await closeToOthers(path);
}

/** Writes a file that only its owner may read. Doesn't follow a symbolic link at that path. */
export async function writePrivateFile(
  path: string,
  text: string,
  { mayExist }: { readonly mayExist: boolean },
): Promise<void> {
  await ensurePrivateFolder(dirname(path));
  const { O_CREAT, O_WRONLY, O_TRUNC, O_EXCL, O_NOFOLLOW } = constants;
  const flags = O_CREAT | O_WRONLY | O_NOFOLLOW | (mayExist ? O_TRUNC : O_EXCL);
  const file = await open(path, flags, 0o600).catch((error: unknown) => {
    throw isSystemFailure(error, "a symbolic link") ? unsafe(path, "a symbolic link", error) : error;
  });
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

/**
 * Removes other users' permissions from Berth's home, which an older Berth or a careless copy may have left open: from the
 * home itself, if only Berth uses it, and from everything in the folders below. `local` manages its own contents.
 */
export async function ensurePrivateHome(home: string): Promise<void> {
  const isThere = (await findKind(home)) !== undefined;
  // BERTH_HOME may name a folder that other programs use too.
  if (!isThere || basename(home) === ".berth") await ensurePrivateFolder(home);
  const kept = ["receipts", "unsaved", "state"].map((name) => join(home, name));
  for (const folder of kept) if ((await findKind(folder)) !== undefined) await closeAll(folder);
  const local = join(home, "local");
  if ((await findKind(local)) !== undefined) await closeToOthers(local);
}

async function closeAll(folder: string): Promise<void> {
  await closeToOthers(folder);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const kind = await findKind(path);
    if (kind === "folder") await closeAll(path);
    if (kind === "file") await closeToOthers(path, 0o600);
  }
}

type Kind = "folder" | "file" | "other";

async function findKind(path: string): Promise<Kind | undefined> {
  try {
    const found = await lstat(path);
    return found.isDirectory() ? "folder" : found.isFile() ? "file" : "other";
  } catch (error) {
    if (isSystemFailure(error, "absent")) return undefined;
    throw error;
  }
}

/** Works on an open handle: a path could be replaced between the check and the change. */
async function closeToOthers(path: string, mode = 0o700): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = constants;
  const kind = mode === 0o700 ? O_DIRECTORY : O_NONBLOCK;
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | kind).catch((error: unknown) => {
    throw isSystemFailure(error, "a symbolic link", "not a folder")
      ? unsafe(path, "no folder of its own", error)
      : error;
  });
  try {
    const found = await handle.stat();
    const user = process.geteuid?.();
    if (user !== undefined && user !== 0 && found.uid !== user) throw unsafe(path, "of another user");
    if ((found.mode & othersBits) !== 0) await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

function unsafe(path: string, what: string, cause?: unknown): BerthError {
  return new BerthError({
    code: "UnsafeFolder",
    message: `${path} is ${what}; what Berth keeps there is for nobody else to read, and to be put nowhere else`,
    hint: "move it away and run the same command again; BERTH_HOME names another folder",
    cause,
  });
}
