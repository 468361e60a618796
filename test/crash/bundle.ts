import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..", "..");

const entries = [
  "test/crash/runner.ts",
  "provision/up.ts",
  "provision/plan.ts",
  "provision/status.ts",
  "provision/state.ts",
  "teardown/down.ts",
];

/** The commands and all they load in a few files: a process that is started hundreds of times then starts in a third of the time. */
export async function bundleRunner(directory: string): Promise<string> {
  await build({
    entryPoints: entries.map((one) => join(root, one)),
    outbase: root,
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // Machine code of what does without it.
    external: ["*.node"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url); const __dirname = import.meta.dirname;',
    },
    plugins: [whereItStood],
    logLevel: "error",
  });
  return join(directory, "test/crash/runner.mjs");
}

/** Files that are read beside the code are still where they were. */
const whereItStood: Plugin = {
  name: "where-it-stood",
  setup(bundling) {
    bundling.onLoad({ filter: /\/(lib|state|provision|teardown)\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: "ts" };
    });
  },
};
