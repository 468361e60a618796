import { join } from "node:path";
import { commands as all } from "../../bin/commands.mjs";
import { root } from "../../lib/paths.ts";

/** The scripts of the commands that work on a stack, for tests that start them. */
export const commands = Object.values(all)
  .flatMap((one) => ("script" in one ? [one.script] : []))
  .filter((script) => !/^(?:setup|compose)\//.test(script));

/**
 * Compiles scripts with everything that they load: `test/a.test.ts` becomes `<directory>/test/a.test.mjs`, and shared
 * code is there once. A compiled script starts in a third of the time.
 */
export async function bundle(scripts: readonly string[], directory: string): Promise<void> {
  // Loaded only here, because esbuild is large and callers of `bundled` don't need it.
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: [...scripts],
    outbase: root,
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    sourcemap: true,
    sourcesContent: false,
    platform: "node",
    target: "node20",
    // Prefers the packages' ES modules, from which esbuild removes unused code: most of the SDK.
    mainFields: ["module", "main"],
    format: "esm",
    // Each process has less to read; names stay unchanged.
    minifyWhitespace: true,
    // Native code, which its packages can do without, and esbuild, which can't be moved.
    external: ["*.node", "esbuild"],
    banner: { js: commonJs },
    // Compiled code still looks for files in the repository: see lib/paths.ts.
    define: { sourceRoot: JSON.stringify(root) },
    logLevel: "error",
  });
}

/** The path at which `bundle` puts a script. */
export const bundled = (script: string, directory: string): string =>
  join(directory, script.replace(/\.ts$/, ".mjs"));

// Names that packages written in CommonJS expect.
const commonJs = `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url), __dirname = import.meta.dirname;`;
