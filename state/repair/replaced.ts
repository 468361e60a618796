import { writePrivateFile } from "../../lib/private-files.ts";

/** Keeps a body that is about to be replaced beside the file where runs leave what they can't save. Returns its path. */
export async function keepReplaced(rescueFile: string, body: string): Promise<string> {
  const at = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const file = rescueFile.replace(/(\.json)?$/, `.replaced-${at}.json`);
  await writePrivateFile(file, body, { mayExist: false });
  return file;
}
