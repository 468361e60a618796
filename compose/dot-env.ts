import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { isSystemFailure } from "../lib/system-errors.ts";

/** The variables in a folder's `.env`; none where there is no such file. */
export async function readDotEnv(folder: string): Promise<NodeJS.Dict<string>> {
  try {
    return parseEnv(await readFile(join(folder, ".env"), "utf8"));
  } catch (error) {
    if (isSystemFailure(error, "absent")) return {};
    throw error;
  }
}
