import { readdir, readFile } from "node:fs/promises";
import { isSystemFailure } from "../../lib/system-errors.ts";

/** Content of a text file; empty when the file doesn't exist. Any other error is thrown. */
export async function readOptionalFile(path: string): Promise<string> {
  return absentAs(readFile(path, "utf8"), "");
}

/** Paths inside a folder, at any depth, relative to it; none when the folder doesn't exist. */
export async function listOptionalFolder(folder: string): Promise<string[]> {
  return (await absentAs(readdir(folder, { recursive: true }), [])).toSorted();
}

async function absentAs<Value>(reading: Promise<Value>, instead: Value): Promise<Value> {
  try {
    return await reading;
  } catch (error) {
    if (isSystemFailure(error, "absent")) return instead;
    throw error;
  }
}
