import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromRoot } from "../../lib/paths.ts";
import { type Finished, runScript } from "../commands/command-line.ts";
import type { Home } from "../commands/stack.ts";

/** A copy of one of the apps in this folder, with the commands of its berth.yaml. */
export interface OtherApp extends AsyncDisposable {
  up(): Promise<Finished>;
  down(...options: readonly string[]): Promise<Finished>;
  /** Makes another release of it: what one of its files says. */
  change(file: string, from: string, to: string): Promise<void>;
}

export async function openApp(home: Home, kind: string): Promise<OtherApp> {
  const folder = await mkdtemp(join(tmpdir(), `berth-${kind}-`));
  await cp(fromRoot(`test/apps/${kind}`), folder, { recursive: true });
  // Certificates have tests of their own, whose clients trust the embedded AWS's authority.
  await appendFile(join(folder, "berth.yaml"), "https: off\n");
  const run = (script: string, ...options: readonly string[]) =>
    runScript(script, ["--config", join(folder, "berth.yaml"), "--local", "--yes", "--json", ...options], {
      env: { BERTH_HOME: home.directory },
    });
  return {
    up: () => run("provision/up.ts"),
    down: (...options) => run("teardown/down.ts", ...options),
    change: async (file, from, to) => {
      const text = await readFile(join(folder, file), "utf8");
      if (!text.includes(from)) throw new Error(`${file} doesn't say ${from}`);
      await writeFile(join(folder, file), text.replace(from, to));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
