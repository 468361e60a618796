import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { removeContainer } from "./container-removal.ts";

/** A container that serves this process by its standard input and output, and ends with its input: so it can't outlive it. */
export interface AttachedContainer extends AsyncDisposable {
  /** Sends a line. */
  write(line: string): void;
  /** The next line of its output; undefined when there is no more. */
  readLine(): Promise<string | undefined>;
}

export interface AttachedContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** The kernel's rights that it has, without a prefix. */
  readonly capabilities: readonly string[];
  /** It takes something back when its input ends, so disposing of it waits for that; others are just removed. */
  readonly takesBack: boolean;
  /** Told what it says on its standard error, as it comes. */
  readonly onComplaint: (text: string) => void;
}

/** Starts it in the computer's own network, with no right but those that are named. */
export async function startAttachedContainer(
  docker: Docker,
  options: AttachedContainerOptions,
): Promise<AttachedContainer> {
  const container = await createContainer(docker, options);
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  const [output, complaints] = [new PassThrough(), new PassThrough()];
  container.modem.demuxStream(stream, output, complaints);
  complaints.setEncoding("utf8").on("data", (text: string) => options.onComplaint(text));
  stream.on("end", () => output.end());
  stream.on("error", (error: Error) => {
    options.onComplaint(`The connection to it failed: ${error.message}`);
    output.end();
  });
  const ended = new Promise((resolve) => stream.once("close", resolve));
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  await container.start();
  return {
    write: (line) => void stream.write(`${line}\n`),
    readLine: async () => {
      const { done, value } = await lines.next();
      return done === true ? undefined : value;
    },
    [Symbol.asyncDispose]: async () => {
      stream.end();
      if (options.takesBack) await ended;
      await removeContainer(container);
    },
  };
}

function createContainer(docker: Docker, options: AttachedContainerOptions): Promise<Docker.Container> {
  const { name, image, labels, command, capabilities, takesBack } = options;
  return docker.createContainer({
    name,
    Image: image,
    Labels: { ...labels },
    Entrypoint: [...command],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    ...(takesBack ? {} : { StopSignal: "SIGKILL" }),
    HostConfig: {
      AutoRemove: true,
      NetworkMode: "host",
      UsernsMode: "host",
      CapDrop: ["ALL"],
      CapAdd: [...capabilities],
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges"],
    },
  });
}
