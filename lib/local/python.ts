import { existsSync } from "node:fs";
import { BerthError } from "../errors.ts";
import { fromRoot, root } from "../paths.ts";

/** The Python interpreter of the private environment, which contains the emulators. */
export const pythonPath = fromRoot(".venv/bin/python");

/** @throws BerthError `NoPythonEnvironment`. */
export function requirePython(): void {
  if (existsSync(pythonPath)) return;
  throw new BerthError({
    code: "NoPythonEnvironment",
    message: `the Python environment of the emulators is missing: ${pythonPath}`,
    hint: `run \`npm run demo\` or \`npm test\` in ${root}; both set it up`,
  });
}
