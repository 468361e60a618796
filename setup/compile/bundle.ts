import { join } from "node:path";
import { root } from "../../lib/paths.ts";

/** What a user starts, for tests that start it. */
export const commands = [
  "provision/up.ts",
  "provision/plan.ts",
  "provision/status.ts",
  "state/repair/commands.ts",
  "teardown/down.ts",
];

/**
 * Compiles scripts with all that they load: `test/a.test.ts` becomes `<directory>/test/a.test.mjs`, what several share is
 * there once. A process that is started from there is up in a third of the time.
 */
export async function bundle(scripts: readonly string[], directory: string): Promise<void> {
  // A heavy one, which whoever only asks for a place doesn't need.
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
    // As modules, packages lose what nobody uses: most of the SDK.
    mainFields: ["module", "main"],
    format: "esm",
    // Less to read for each process; names stay as they are.
    minifyWhitespace: true,
    // Computer code, of packages that do without it; and what can't be moved.
    external: ["*.node", "esbuild"],
    banner: { js: commonJs },
    // Files of the repository are still looked for there: see lib/paths.ts.
    define: { sourceRoot: JSON.stringify(root) },
    logLevel: "error",
  });
}

/** Where `bundle` puts a script. */
export const bundled = (script: string, directory: string): string =>
  join(directory, script.replace(/\.ts$/, ".mjs"));

// What packages written in CommonJS take for granted.
const commonJs = `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url), __dirname = import.meta.dirname;`;
