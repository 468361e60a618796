import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run, runOrFail, type ProcessResult } from "../../../setup/child-process.ts";

/** Containers of one test, and a folder to mount from. All are removed on dispose. */
export interface ScratchContainers extends AsyncDisposable {
  /** Runs a container to its end. */
  runToEnd(args: readonly string[]): Promise<ProcessResult>;
  /** Starts a container in the background and returns its id. */
  start(args: readonly string[]): Promise<string>;
  /** Runs a command in a container until it succeeds, or throws with the container's log after ten minutes. */
  untilSucceeds(id: string, command: readonly string[]): Promise<string>;
  /** Writes a file that containers may read, and returns its path. */
  file(name: string, content: string, mode?: number): Promise<string>;
}

export async function openScratchContainers(): Promise<ScratchContainers> {
  const label = `berth-test-setup=${randomBytes(6).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), "berth-contract-"));
  const docker = (...args: string[]) => runOrFail("docker", args, { what: "A container" });
  return {
    runToEnd: (args) => run("docker", ["run", "--rm", "--label", label, ...args]),
    start: async (args) => (await docker("run", "--detach", "--label", label, ...args)).trim(),
    untilSucceeds: async (id, command) => {
      const deadline = Date.now() + 600_000;
      for (;;) {
        const { code, stdout } = await run("docker", ["exec", id, ...command]);
        if (code === 0) return stdout;
        if (Date.now() > deadline)
          throw new Error((await run("docker", ["logs", id])).lines.slice(-20).join("\n"));
        await sleep(200);
      }
    },
    file: async (name, content, mode = 0o644) => {
      await writeFile(join(folder, name), content, { mode });
      return join(folder, name);
    },
    [Symbol.asyncDispose]: async () => {
      const ids = await docker("ps", "--all", "--quiet", "--filter", `label=${label}`);
      const left = ids.split("\n").filter((id) => id !== "");
      if (left.length > 0) await docker("rm", "--force", "--volumes", ...left);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
