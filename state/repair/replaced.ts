import { writePrivateFile } from "../../lib/private-files.ts";

/** Saves a body that is about to be replaced, in the folder of unsaved documents. Returns the file's path. */
export async function keepReplaced(rescueFile: string, body: string): Promise<string> {
  const at = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const file = rescueFile.replace(/(\.json)?$/, `.replaced-${at}.json`);
  await writePrivateFile(file, body, { mayExist: false });
  return file;
}
