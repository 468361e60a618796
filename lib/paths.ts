import { dirname, join, resolve } from "node:path";

/** Compiled code lies elsewhere, so the compiler puts the repository's folder in here (setup/compile/bundle.ts). */
declare const sourceRoot: string | undefined;

/** The repository's folder, both for code that runs from source and for compiled code. */
export const root = typeof sourceRoot === "string" ? sourceRoot : dirname(import.meta.dirname);

/** The path of a file or folder in the repository: `fromRoot("lib/local/supervisor.ts")`. */
export const fromRoot = (path: string): string => join(root, path);

/** Berth's folder on this computer: receipts, unsaved state, the embedded AWS. BERTH_HOME sets another one, unless it is empty. */
export const berthHome = (): string => resolve(process.env["BERTH_HOME"] || fromRoot(".berth"));
