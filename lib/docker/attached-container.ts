import { createInterface } from "node:readline";
import type Docker from "dockerode";
import { removeContainer } from "./container-removal.ts";
import { separateOutput } from "./output.ts";

/**
 * A container that serves this process over standard input and output. It ends when its input ends, so it can't outlive
 * this process.
 */
export interface AttachedContainer extends AsyncDisposable {
  /** Sends a line. */
  write(line: string): void;
  /** The next line of the container's output, or undefined when the output has ended. */
  readLine(): Promise<string | undefined>;
}

export interface AttachedContainerOptions {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** The Linux capabilities that the container gets, without the prefix `CAP_`. */
  readonly capabilities: readonly string[];
  /** A user's number. Default: root. */
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Volumes of the engine (`name:/path`), and rules for devices as in cgroups (`b 7:0 rwm`). */
  readonly storage?: { readonly binds: readonly string[]; readonly deviceRules: readonly string[] };
  /**
   * True when the container undoes something after its input has ended: disposing of it then waits for that. Others are
   * just removed.
   */
  readonly takesBack: boolean;
  /** Called with what the container writes to standard error, as it arrives. */
  readonly onComplaint: (text: string) => void;
}

/** Starts the container in this computer's network, with only the capabilities that are named. */
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
  const { stdout, stderr } = separateOutput(docker, stream);
  stderr.setEncoding("utf8").on("data", (text: string) => options.onComplaint(text));
  stream.on("error", (error: Error) => {
    options.onComplaint(`The connection to it failed: ${error.message}`);
    stdout.end();
  });
  const ended = new Promise((resolve) => stream.once("close", resolve));
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
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
  const { name, image, labels, command, capabilities, storage, takesBack } = options;
  const { user, environment = {} } = options;
  return docker.createContainer({
    name,
    Image: image,
    Labels: { ...labels },
    Entrypoint: [...command],
    ...(user === undefined ? {} : { User: user }),
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
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
      ...(storage === undefined
        ? {}
        : { Binds: [...storage.binds], DeviceCgroupRules: [...storage.deviceRules] }),
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges"],
    },
  });
}
