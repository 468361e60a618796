import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromRoot } from "../paths.ts";
import type { ArchivedFile } from "./archive.ts";

/** Leaves out what editors and Python put beside the files. */
const hostFile = /^[^.].*\.(conf|json|pm|py|service|sh)$/;

/** The agent's files. They are the same for every stack, and an update replaces them. */
export const hostFiles = (): ArchivedFile[] => readFiles("agent");

/**
 * The launcher's files, which a host gets at its first boot and keeps until it is replaced. Comments are removed, so
 * that a changed comment doesn't replace hosts.
 */
export const launcherFiles = (): ArchivedFile[] =>
  readFiles("launcher").map((file) => ({ ...file, text: withoutComments(file.text) }));

/** Reads a folder that is laid out as the host is. Each path is the one on the host. */
function readFiles(name: "agent" | "launcher"): ArchivedFile[] {
  const folder = fromRoot(`lib/host/${name}`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && hostFile.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => ({
      path: path.slice(folder.length),
      text: readFileSync(path, "utf8"),
      executable: path.endsWith(".sh"),
    }));
}

/**
 * Empties comment lines and docstrings instead of removing them: line numbers in error messages must match the
 * repository, and a docstring may be all that a class contains.
 */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*#(?!!).*$/gm, "").replace(/^([ \t]*)"""[^"\n]*"""$/gm, '$1""');
}
