import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The files of a test's folder, by path: the content alone, or with mode or link. */
export type Files = Readonly<Record<string, string | { content?: string; mode?: number; link?: string }>>;

export interface SourceFolder extends AsyncDisposable {
  readonly path: string;
}

/** Writes a temporary folder, which is removed after the test. */
export async function writeSourceFolder(files: Files): Promise<SourceFolder> {
  const path = await mkdtemp(join(tmpdir(), "berth-source-"));
  const dispose = () => rm(path, { recursive: true, force: true });
  try {
    for (const [name, file] of Object.entries(files)) await writeOne(join(path, name), file);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: dispose };
}

async function writeOne(path: string, file: Files[string]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const { content = "", mode = 0o644, link } = typeof file === "string" ? { content: file } : file;
  if (link !== undefined) return symlink(link, path);
  await writeFile(path, content);
  await chmod(path, mode);
}

/** Everything that is visible of a folder from outside: paths, modes, modification times, bytes. */
export async function photograph(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const lines = names.toSorted().map(async (name) => {
    const stats = await lstat(join(folder, name), { bigint: true });
    const bytes = stats.isFile() ? await readFile(join(folder, name)) : Buffer.alloc(0);
    const sum = createHash("sha256").update(bytes).digest("hex");
    return `${name} ${stats.mode.toString(8)} ${stats.mtimeNs} ${stats.ctimeNs} ${sum}`;
  });
  return Promise.all(lines);
}
