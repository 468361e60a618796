import { readFileSync } from "node:fs";
import { fromRoot } from "../paths.ts";
import type { ArchivedFile } from "./archive.ts";

const share = "/usr/local/lib/berth";

/** Where each file of this folder goes on the host. */
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

/** The agent: the files of the host that are the same for every stack, and that an update replaces. */
export const hostFiles = (): ArchivedFile[] => readFiles(".", places);

/** What a host is born with, and keeps as long as it lives. A changed comment in it is no reason for another host. */
export const launcherFiles = (): ArchivedFile[] =>
  readFiles("bootstrap", launcherPlaces).map((file) => ({ ...file, text: withoutComments(file.text) }));

function readFiles(folder: string, where: Readonly<Record<string, string>>): ArchivedFile[] {
  return Object.entries(where).map(([name, place]) => ({
    path: `${place}/${name}`,
    text: readFileSync(fromRoot(`lib/host/${folder}/${name}`), "utf8"),
    executable: name.endsWith(".sh"),
  }));
}

/** Emptied, not removed: an error message's line number shall hold in the repository too, and a class may be nothing else. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*#(?!!).*$/gm, "").replace(/^([ \t]*)"""[^"\n]*"""$/gm, '$1""');
}
