import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
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
  const stream = await exec.start({});
  const both = new PassThrough();
  container.modem.demuxStream(stream, both, both);
  stream.once("end", () => both.end());
  const output = await readAll(both);
  const { ExitCode } = await exec.inspect();
  return { exitCode: ExitCode ?? -1, output: output.trim() };
}

/** The last lines of a container's log, oldest first. */
export async function readLogTail(container: Docker.Container, lines: number): Promise<readonly string[]> {
  const text = decodeFrames(await container.logs({ stdout: true, stderr: true, tail: lines, follow: false }));
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

async function readAll(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await finished(stream, { writable: false });
  return Buffer.concat(chunks).toString("utf8");
}

// Without a terminal, the engine puts an 8-byte header before each chunk: one byte for the stream, three zeros, four
// for the length.
function decodeFrames(frames: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    pieces.push(frames.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString("utf8");
}
