import { readFile } from "node:fs/promises";
import type Docker from "dockerode";
import { fromRoot } from "../../paths.ts";
import { startAttachedContainer } from "../../docker/attached-container.ts";

/** One port of an Elastic IP through which a machine is reached from outside. */
export interface ForwardedPort {
  /** The Elastic IP. */
  readonly address: string;
  readonly port: number;
  /** IPv4 CIDR ranges that may connect. */
  readonly sources: readonly string[];
  /** The machine's address on the machines' network. */
  readonly machine: string;
}

/** Listens on the Elastic IPs of the machines. */
export interface PortForwarder extends AsyncDisposable {
  /** Forwards exactly these ports. Logs those that can't be opened, and returns false when there are any. */
  setPorts(ports: readonly ForwardedPort[]): Promise<boolean>;
}

interface FailedPort {
  readonly address: string;
  readonly port: number;
  readonly reason: string;
}

export interface PortForwarderOptions {
  readonly docker: Docker;
  /** Any image that contains Python 3. */
  readonly image: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

/**
 * Starts the forwarder: one container in this computer's network, so that any member of the docker group can have port
 * 80 opened, with no other privilege. It ends when its input ends, so it can't outlive the supervisor.
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
