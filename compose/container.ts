import { PassThrough, Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import type Docker from "dockerode";

export interface ExecResult {
  readonly exitCode: number;
  /** Both streams, trimmed. */
  readonly output: string;
}

/** Runs a command inside a running container and waits until it ends. */
export async function execute(container: Docker.Container, command: readonly string[]): Promise<ExecResult> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const output = await readBoth(container, await exec.start({}));
  const { ExitCode } = await exec.inspect();
  return { exitCode: ExitCode ?? -1, output: output.trim() };
}

/** The last lines of a container's log, oldest first. */
export async function readLogTail(container: Docker.Container, lines: number): Promise<readonly string[]> {
  const log = await container.logs({ stdout: true, stderr: true, tail: lines, follow: false });
  const { Config: config } = await container.inspect();
  // A terminal has one stream, without frames.
  const text = config.Tty ? log.toString("utf8") : await readBoth(container, Readable.from([log]));
  return stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

/**
 * Runs `script` in a new container that shares another container's network, and returns its output. This shows what a
 * container can reach even when its image has no shell.
 */
export async function runBeside(
  neighbour: Docker.Container,
  docker: Docker,
  { image, script }: { readonly image: string; readonly script: string },
): Promise<ExecResult> {
  const probe = await docker.createContainer({
    Image: image,
    Entrypoint: ["sh", "-c", script],
    Cmd: [],
    User: "65534:65534",
    Labels: { "berth.smoke": "probe" },
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: `container:${neighbour.id}`,
      CapDrop: ["ALL"],
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges:true"],
    },
  });
  try {
    await probe.start();
    const { StatusCode } = await probe.wait();
    return { exitCode: StatusCode, output: (await readLogTail(probe, 1000)).join("\n") };
  } finally {
    await probe.remove({ force: true, v: true });
  }
}

/** Everything that a container wrote to stdout and stderr, in the order in which the engine sends it. */
async function readBoth(container: Docker.Container, stream: Readable): Promise<string> {
  const both = new PassThrough();
  container.modem.demuxStream(stream, both, both);
  stream.once("end", () => both.end());
  stream.once("error", (error) => both.destroy(error));
  return readText(both);
}
