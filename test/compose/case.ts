import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Case extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
}

/** Writes a compose file, and others beside it, into a new folder. */
export async function writeCase(text: string, others: Readonly<Record<string, string>> = {}): Promise<Case> {
  const folder = await mkdtemp(join(tmpdir(), "berth-case-"));
  const path = join(folder, "docker-compose.yml");
  for (const [name, content] of Object.entries({ ...others, "docker-compose.yml": text }))
    await writeFile(join(folder, name), content);
  return { folder, path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
