import { join } from "node:path";
import { root } from "../lib/paths.ts";
import { bundled } from "../setup/compile/bundle.ts";

/**
 * What node is given to run one of the project's scripts, such as `provision/up.ts`: the script as `npm test` compiled it,
 * or, in a test that was started by itself, its source.
 */
export function scriptArguments(script: string, imports: readonly string[] = []): string[] {
  const directory = process.env["BERTH_BUNDLE"];
  return directory === undefined
    ? sourceArguments(script, imports)
    : compiledArguments(script, imports, directory);
}

function sourceArguments(script: string, imports: readonly string[] = []): string[] {
  return [
    ...["tsx", ...imports.map((one) => join(root, one))].flatMap((one) => ["--import", one]),
    join(root, script),
  ];
}

function compiledArguments(script: string, imports: readonly string[], directory: string): string[] {
  const [compiled = "", ...others] = [script, ...imports].map((one) => bundled(one, directory));
  return ["--enable-source-maps", ...others.flatMap((one) => ["--import", one]), compiled];
}
