import { PassThrough } from "node:stream";
import type Docker from "dockerode";

export interface ContainerOutput {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
}

/**
 * Separates the output of a container or of a command in it. Without a terminal, the engine sends both streams through one
 * connection, in frames. Both end when the connection ends.
 */
export function separateOutput(docker: Docker, stream: NodeJS.ReadableStream): ContainerOutput {
  const output = { stdout: new PassThrough(), stderr: new PassThrough() };
  docker.modem.demuxStream(stream, output.stdout, output.stderr);
  stream.once("end", () => {
    output.stdout.end();
    output.stderr.end();
  });
  return output;
}
