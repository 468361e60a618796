import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { fromRoot } from "../../paths.ts";
import { removeContainer } from "../../docker/container-removal.ts";

/** One port of an associated address through which the outside reaches a machine. */
export interface ForwardedPort {
  /** The Elastic IP. */
  readonly address: string;
  readonly port: number;
  /** IPv4 ranges that may come in. */
  readonly sources: readonly string[];
  /** The machine's own address on the machines' network. */
  readonly target: string;
}

/** Listens on the associated addresses for the machines. */
export interface PortForwarder extends AsyncDisposable {
  /** Forwards exactly these. Those that can't be opened are logged; false when there are any. */
  setPorts(ports: readonly ForwardedPort[]): Promise<boolean>;
}

interface FailedPort {
  readonly address: string;
  readonly port: number;
  readonly reason: string;
}

export interface PortForwarderOptions {
  readonly docker: Docker;
  /** Any image with Python 3. */
  readonly image: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

/**
 * Starts the forwarder: one container in the computer's own network, so that a plain member of the docker group too can
 * have port 80 opened, with no right but that one. It ends with its input, so it can't outlive the supervisor.
 */
export async function startPortForwarder(options: PortForwarderOptions): Promise<PortForwarder> {
  const container = await createContainer(options);
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  const answers = new PassThrough();
  container.modem.demuxStream(stream, answers, process.stderr);
  stream.on("end", () => answers.end());
  stream.on("error", (error) => options.log(`The connection to the forwarder failed: ${error.message}`));
  await container.start();
  const lines = createInterface({ input: answers })[Symbol.asyncIterator]();
  let made = "[]";
  let complained = "[]";
  return {
    setPorts: async (ports) => {
      const wanted = JSON.stringify(ports);
      if (wanted === made) return true;
      stream.write(`${wanted}\n`);
      const answer = await lines.next();
      if (answer.done === true) throw new Error("The forwarder has ended");
      const failed: FailedPort[] = JSON.parse(answer.value);
      made = failed.length === 0 ? wanted : "";
      if (answer.value !== complained) failed.forEach((each) => complain(options, each));
      complained = answer.value;
      return failed.length === 0;
    },
    [Symbol.asyncDispose]: async () => {
      stream.end();
      await removeContainer(container);
    },
  };
}

function complain({ log }: PortForwarderOptions, { address, port, reason }: FailedPort): void {
  log(
    `${address}:${port} can't be opened: ${reason}. Does another program listen on the port at all addresses?`,
  );
}

async function createContainer({
  docker,
  image,
  name,
  labels,
}: PortForwarderOptions): Promise<Docker.Container> {
  const source = await readFile(fromRoot("lib/local/network/port_relay.py"), "utf8");
  return docker.createContainer({
    name,
    Image: image,
    Labels: { ...labels },
    Entrypoint: ["python3", "-Iuc", source],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    StopSignal: "SIGKILL",
    HostConfig: {
      AutoRemove: true,
      NetworkMode: "host",
      UsernsMode: "host",
      CapDrop: ["ALL"],
      CapAdd: ["NET_BIND_SERVICE"],
      ReadonlyRootfs: true,
      SecurityOpt: ["no-new-privileges"],
    },
  });
}
