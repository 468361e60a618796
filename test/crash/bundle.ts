import { bundle, bundled, commands } from "../../setup/compile/bundle.ts";

const runner = "test/crash/runner.ts";

/** Compiles the runner and the commands into the directory, unless `npm test` has done it. Returns the script to start. */
export async function bundleRunner(directory: string): Promise<string> {
  const compiled = process.env["BERTH_BUNDLE"];
  if (compiled === undefined) await bundle([runner, ...commands], directory);
  return bundled(runner, compiled ?? directory);
}
