import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { endLocalAws } from "../../lib/local/local-aws.ts";

/** The folder for all temporary files of a test run. */
export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/**
 * Tests clean up after themselves, but can't when the run is interrupted. Disposing of the folder ends every embedded
 * AWS that was started in it: each runs in its own process group and so outlives Ctrl-C.
 */
export async function openScratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), "berth-"));
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      const files = await readdir(path, { recursive: true });
      const logs = files.filter((file) => file.endsWith(join("logs", "supervisor.log")));
      const directories = logs.map((log) => join(path, dirname(dirname(log))));
      await Promise.all(directories.map((directory) => endLocalAws({ directory })));
      await rm(path, { recursive: true, force: true });
    },
  };
}
