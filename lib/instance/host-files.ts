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
};

/** The files of the host that are the same for every stack. */
export function hostFiles(): ArchivedFile[] {
  return Object.entries(places).map(([name, folder]) => ({
    path: `${folder}/${name}`,
    text: withoutComments(readFileSync(fromRoot(`lib/instance/${name}`), "utf8")),
    executable: name.endsWith(".sh"),
  }));
}

/**
 * Lines of comment and docstrings of one line are emptied, not removed: user data is small, and an error message's line
 * number shall hold in the repository too.
 */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*(#(?!!).*|"""[^"\n]*""")$/gm, "");
}
