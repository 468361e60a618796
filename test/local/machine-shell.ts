import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { separateOutput } from "../../lib/docker/output.ts";

/** Runs a script in one machine as root and returns its trimmed output. Throws with the output when the script fails. */
export type MachineShell = (script: string) => Promise<string>;

/** Runs a script as root on the machine and returns its trimmed standard output. Throws with the output when it fails. */
export async function runInMachine(docker: Docker, id: string, script: string): Promise<string> {
  const exec = await docker.getContainer(id).exec({
    Cmd: ["sh", "-c", script],
    AttachStdout: true,
    AttachStderr: true,
  });
  const { stdout, stderr } = separateOutput(docker, await exec.start({}));
  const [output, errors] = await Promise.all([text(stdout), text(stderr)]);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${script} ended with ${ExitCode}: ${output}${errors}`);
  return output.trim();
}
