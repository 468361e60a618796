import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isSystemFailure } from "../../lib/system-errors.ts";
import { bundle } from "./bundle.ts";

const dayMs = 86_400_000;

/**
 * Compiles scripts into a folder that appears only once it is complete. Processes that start at the same time may each
 * compile; the first to finish wins. Older folders are removed when nothing was started from them for a day.
 */
export async function compile(scripts: readonly string[], directory: string): Promise<void> {
  const cache = dirname(directory);
  await mkdir(cache, { recursive: true });
  await clearUp(cache);
  const draft = await mkdtemp(join(cache, "draft-"));
  try {
    await bundle(scripts, draft);
    await rename(draft, directory);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process finished first.
    if (!isSystemFailure(error, "occupied")) throw error;
  }
}

async function clearUp(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    // Another process may have removed the folder in the meantime.
    const usedMs = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - usedMs > dayMs) await rm(folder, { recursive: true, force: true });
  }
}
