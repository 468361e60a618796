import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runScript } from "../commands/command-line.ts";
import type { Target } from "./target.ts";

/** A socket without a file lets anybody in who knows its name, and the kernel lists the names. */
const findSocket = (wanted: string) => `
import json, socket
seen = "refused"
for line in open("/proc/net/unix"):
    name = line.split()[-1].replace("@", "\\0")
    if not name.startswith("\\0${wanted}"):
        continue
    try:
        control = socket.socket(socket.AF_UNIX)
        control.settimeout(30)
        control.connect(name)
        control.sendall(b'{"command":"open","pid":1}\\n')
        if b'"ready"' in control.recv(65536):
            seen = "a user like the operator"
    except OSError:
        pass
print(seen)
`;

/** Asks what listens under the name of this embedded AWS to be let in; others may run beside it. */
export const askControlSocket = ({ otherUser, home }: Target): Promise<string> =>
  otherUser.run(findSocket(nameOf(join(home, "local"))));

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

/**
 * What of Berth's own files others get at: open itself, in folders that are all open. The folder of the test is left out, and
 * the configurations that it wrote.
 */
export async function readFiles({ home }: Target): Promise<string> {
  const names = await readdir(home, { recursive: true });
  const own = names.filter((name) => !name.endsWith(".yaml") && !name.startsWith("other-"));
  // What has gone since is nobody's to get at.
  const modeOf = (name: string) =>
    lstat(join(home, name)).then(
      ({ mode }) => mode & 0o077,
      () => 0,
    );
  const modes = await Promise.all(own.map(modeOf));
  const shut = own.filter((_, index) => modes[index] === 0);
  const open = own.filter((name) => !shut.some((one) => name === one || name.startsWith(`${one}/`)));
  return open.length === 0 ? "for the owner only" : `open: ${open.join(" ")}`;
}
