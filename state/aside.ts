import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Keeps a body that is about to be replaced beside the file where runs leave what they can't save. Returns its path. */
export async function setAside(rescueFile: string, body: string): Promise<string> {
  const at = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const file = rescueFile.replace(/(\.json)?$/, `.replaced-${at}.json`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, body, { mode: 0o600, flag: "wx" });
  return file;
}
