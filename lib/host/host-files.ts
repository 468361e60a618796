import { readFileSync } from "node:fs";
import { fromRoot } from "../paths.ts";
import type { ArchivedFile } from "./archive.ts";

const share = "/usr/local/lib/berth";

/** The path on the host of each file in this folder. */
const places: Readonly<Record<string, string>> = {
  "converge.py": share,
  "bucket.py": share,
  "command.py": share,
  "edge.py": share,
  "replicas.py": share,
  "retries.pm": share,
  "state.py": share,
  "edge.conf": share,
  "switch.conf": share,
  "setup.sh": share,
  "berth.service": "/etc/systemd/system",
  "berth-switch.service": "/etc/systemd/system",
  "nginx-berth.conf": "/etc/systemd/system/nginx.service.d",
  "journald-berth.conf": "/etc/systemd/journald.conf.d",
  "60-berth-sysctl.conf": "/etc/sysctl.d",
  "60-berth-apt": "/etc/apt/apt.conf.d",
  "daemon.json": "/etc/docker",
};

const launcherPlaces: Readonly<Record<string, string>> = {
  "launcher.py": "/usr/local/lib/berth-launcher",
  "bundle.py": "/usr/local/lib/berth-launcher",
  "fetch.py": "/usr/local/lib/berth-launcher",
  "berth-launcher.service": "/etc/systemd/system",
};

/** The agent's files. They are the same for every stack, and an update replaces them. */
export const hostFiles = (): ArchivedFile[] => readFiles(".", places);

/**
 * The launcher's files, which a host gets at its first boot and keeps until it is replaced. Comments are removed, so
 * that a changed comment doesn't replace hosts.
 */
export const launcherFiles = (): ArchivedFile[] =>
  readFiles("bootstrap", launcherPlaces).map((file) => ({ ...file, text: withoutComments(file.text) }));

function readFiles(folder: string, where: Readonly<Record<string, string>>): ArchivedFile[] {
  return Object.entries(where).map(([name, place]) => ({
    path: `${place}/${name}`,
    text: readFileSync(fromRoot(`lib/host/${folder}/${name}`), "utf8"),
    executable: name.endsWith(".sh"),
  }));
}

/**
 * Empties comment lines and docstrings instead of removing them: line numbers in error messages must match the
 * repository, and a docstring may be all that a class contains.
 */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*#(?!!).*$/gm, "").replace(/^([ \t]*)"""[^"\n]*"""$/gm, '$1""');
}
