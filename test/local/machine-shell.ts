import { once } from "node:events";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";

/** Runs a script in one machine as root and returns its trimmed output. Throws with the output when the script fails. */
export type MachineShell = (script: string) => Promise<string>;

/** Runs a script as root on the machine and returns its trimmed standard output. Throws with the output when it fails. */
export async function runInMachine(docker: Docker, id: string, script: string): Promise<string> {
  const exec = await docker.getContainer(id).exec({
    Cmd: ["sh", "-c", script],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({});
  const [output, complaints] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, output, complaints);
  const [said, complained] = [collect(output), collect(complaints)];
  await once(stream, "end");
  output.end();
  complaints.end();
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${script} ended with ${ExitCode}: ${await said}${await complained}`);
  return said;
}

async function collect(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8").trim();
}
