import { dirname, join } from "node:path";

/** What is compiled lies elsewhere: the compiler writes the repository's folder in here (setup/compile/bundle.ts). */
declare const sourceRoot: string | undefined;

/** The repository's folder, for whoever runs from its sources and for what was compiled from them. */
export const root = typeof sourceRoot === "string" ? sourceRoot : dirname(import.meta.dirname);

/** A file or folder of the repository: `fromRoot("lib/local/supervisor.ts")`. */
export const fromRoot = (path: string): string => join(root, path);
