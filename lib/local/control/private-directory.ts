import { constants } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { BerthError } from "../../errors.ts";

/**
 * A directory that only this user can enter. It is held open, so that every path through it leads into this same
 * directory.
 */
export interface PrivateDirectory extends AsyncDisposable {
  /** A path to a file in the directory. It is short enough for a Unix socket, however deep the directory lies. */
  pathOf(name: string): string;
}

/**
 * Opens the directory, and creates it when it doesn't exist. If others can read this user's directory, their access is
 * removed. A directory that somebody else owns, or could have written to, is refused, because nothing in it could be
 * trusted.
 *
 * @throws BerthError `UnsafeDirectory`
 */
export async function openPrivateDirectory(path: string): Promise<PrivateDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const handle = await openDirectory(path);
  try {
    const { uid, mode } = await handle.stat();
    // `getuid` is missing only on Windows, where this code doesn't run.
    if (uid !== process.getuid?.()) throw unsafe(path, `belongs to the user ${uid}`);
    if ((mode & 0o022) !== 0) throw unsafe(path, "can be written to by others");
    if ((mode & 0o077) !== 0) await handle.chmod(0o700);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    pathOf: (name) => `/proc/self/fd/${handle.fd}/${name}`,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function openDirectory(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw unsafe(path, `can't be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function unsafe(path: string, why: string): BerthError {
  return new BerthError({
    code: "UnsafeDirectory",
    message: `the directory of the embedded AWS, ${resolve(path)}, ${why}`,
    hint: "remove it if you know whose it is, or have BERTH_HOME name a folder of your own",
  });
}
