import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { extract } from "tar-stream";
import { openSource, type Source } from "../../lib/docker/source.ts";
import { BerthError } from "../../lib/errors.ts";

export const secret = "a-secret-beside-the-app";

export interface Entry {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly text: string;
}

/** A folder made by somebody who means harm, and what its build is given; `beside` is a folder that isn't the app's. */
export type Plant = (folder: string, beside: string) => Promise<unknown>;
export type Judge = (entries: readonly Entry[], source: Source) => string;

/** Plants the files, packs them as a build does, and says what came out: words of the judge, or the error's code. */
export async function pack(plant: Plant, judge: Judge): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "berth-hostile-"));
  try {
    const [folder, beside] = [join(place, "app"), join(place, "beside")];
    await mkdir(folder);
    await mkdir(beside);
    await writeFile(join(folder, "Dockerfile"), "FROM scratch\nCOPY . /\n");
    await writeFile(join(beside, "secret"), secret);
    await plant(folder, beside);
    const source = await openSource({ source: folder });
    return judge(await unpack(source), source);
  } catch (error) {
    return error instanceof BerthError ? `refused: ${error.code}` : `a crash: ${String(error)}`;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function unpack(source: Source): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of source.pack().pipe(extract())) {
    const { name, type, mode } = entry.header;
    entries.push({ name, type: type ?? "", mode, text: (await textOf(entry)).slice(0, 200) });
  }
  return entries;
}
