import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runScript } from "../commands/command-line.ts";
import type { Target } from "./target.ts";

/** Sockets without a file let anybody in who knows the name, and the kernel lists the names. */
const findSocket = `
import json, socket
seen = "refused"
for line in open("/proc/net/unix"):
    name = line.split()[-1].replace("@", "\\0")
    if not name.startswith("\\0berth"):
        continue
    try:
        control = socket.socket(socket.AF_UNIX)
        control.settimeout(3)
        control.connect(name)
        control.sendall(b'{"command":"open","pid":1}\\n')
        if b'"ready"' in control.recv(65536):
            seen = "a user like the operator"
    except OSError:
        pass
print(seen)
`;

/** Asks whatever listens under a name of Berth's to be let in. */
export const askControlSocket = ({ otherUser }: Target): Promise<string> => otherUser.run(findSocket);

const nameOf = (directory: string) =>
  `berth-local-${createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 10)}`;

/** Listens first under the name of an embedded AWS that isn't started yet, and waits for a command to come. */
const waitThere = (name: string) => `
import socket
there = socket.socket(socket.AF_UNIX)
# The runtime of the embedded AWS fills the name up to its full length.
there.bind("\\0${name}".ljust(108, "\\0"))
there.listen(8)
there.settimeout(20)
try:
    caller, _ = there.accept()
    caller.settimeout(5)
    print("a command came and said", caller.recv(20)[:9])
except OSError:
    print("nobody came")
`;

export async function takePlace({ otherUser, home }: Target): Promise<string> {
  const other = await mkdtemp(join(home, "other-"));
  try {
    await mkdir(join(other, "local"), { mode: 0o700 });
    const waiting = otherUser.run(waitThere(nameOf(join(other, "local"))));
    await runScript("provision/plan.ts", ["--config", join(home, "attacked.yaml"), "--local"], {
      env: { BERTH_HOME: other },
    });
    return await waiting;
  } finally {
    await rm(other, { recursive: true, force: true });
  }
}

/** What of Berth's own files others may read. The folders that a test makes itself are left out. */
export async function readFiles({ home }: Target): Promise<string> {
  const names = await readdir(home, { recursive: true });
  const own = names.filter(
    (name) => name !== "local" && !name.endsWith(".yaml") && !name.startsWith("other-"),
  );
  const modes = await Promise.all(own.map(async (name) => (await lstat(join(home, name))).mode & 0o077));
  const open = own.filter((_, index) => modes[index] !== 0);
  return open.length === 0 ? "for the owner only" : `open: ${open.join(" ")}`;
}
