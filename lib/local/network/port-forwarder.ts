import { readFile } from "node:fs/promises";
import type Docker from "dockerode";
import { fromRoot } from "../../paths.ts";
import { startAttachedContainer } from "../../docker/attached-container.ts";

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
  const { docker, log, ...named } = options;
  const source = await readFile(fromRoot("lib/local/network/port_relay.py"), "utf8");
  const relay = await startAttachedContainer(docker, {
    ...named,
    command: ["python3", "-Iuc", source],
    capabilities: ["NET_BIND_SERVICE"],
    takesBack: false,
    onComplaint: (text) => log(`The forwarder says: ${text.trimEnd()}`),
  });
  let made = "[]";
  let complained = "[]";
  return {
    setPorts: async (ports) => {
      const asked = JSON.stringify(ports);
      if (asked === made) return true;
      relay.write(asked);
      const answer = await relay.readLine();
      if (answer === undefined) throw new Error("The forwarder has ended");
      const failed: FailedPort[] = JSON.parse(answer);
      made = failed.length === 0 ? asked : "";
      if (answer !== complained) failed.forEach((each) => complain(options, each));
      complained = answer;
      return failed.length === 0;
    },
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

function complain({ log }: PortForwarderOptions, { address, port, reason }: FailedPort): void {
  log(
    `${address}:${port} can't be opened: ${reason}. Does another program listen on the port at all addresses?`,
  );
}
