import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BerthError, exitCodes } from "../errors.ts";
import { missing } from "./file.ts";

const defaultName = "berth.yaml";

/**
 * The nearest berth.yaml: in the folder, or in one above it. Throws BerthError `NoConfiguration` if there is none.
 * Throws it too for one above that belongs to somebody else: what it says is built and deployed.
 */
export async function findConfig(folder: string): Promise<string> {
  for (let from = folder; ; from = dirname(from)) {
    const file = join(from, defaultName);
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile() === true) {
      if (from !== folder) requireTrust(file, stats.uid);
      return file;
    }
    if (dirname(from) === from) throw await missing(join(folder, defaultName), noneFound(folder));
  }
}

const noneFound = (folder: string): string =>
  `there is no ${defaultName} in ${folder}${dirname(folder) === folder ? "" : ", nor in a folder above it"}`;

function requireTrust(file: string, owner: number): void {
  const user = process.geteuid?.();
  if (user === undefined || owner === user || owner === 0) return;
  throw new BerthError({
    code: "NoConfiguration",
    message: `there is no ${defaultName} in this folder, and ${file} belongs to another user`,
    hint: `if it is the one that is meant, name it: --config ${file}`,
    exitCode: exitCodes.badInput,
  });
}
