import { BerthError } from "../lib/errors.ts";
import type { Cluster } from "./cluster.ts";
import { runBeside } from "./container.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Examines the network from inside a cluster's containers, whatever tools their images contain. */
export class NetworkProbe {
  readonly #cluster: Cluster;
  readonly #listening = new Map<string, Promise<readonly number[]>>();
  #image: Promise<string> | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** TCP ports on which something in the service's first container listens for others. Checked only once. */
  listListening(service: string): Promise<readonly number[]> {
    const known = this.#listening.get(service) ?? this.#readListening(service);
    this.#listening.set(service, known);
    return known;
  }

  /** The targets that accept a connection from inside the service's first container. */
  async findOpen(service: string, targets: readonly Target[]): Promise<readonly Target[]> {
    if (targets.length === 0) return [];
    const [container] = await this.#cluster.getRunning(service);
    const image = await this.#findImage(service);
    const script = [connect, ...targets.map(({ host, port }, at) => `try ${host} ${port} ${at} &`), "wait"];
    const { output } = await runBeside(container, this.#cluster.docker, { image, script: script.join("\n") });
    const open = new Set(output.split("\n"));
    return targets.filter((_, at) => open.has(`open ${at}`));
  }

  async #readListening(service: string): Promise<readonly number[]> {
    const [container] = await this.#cluster.getRunning(service);
    const image = await this.#findImage(service);
    const script = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null";
    const { output } = await runBeside(container, this.#cluster.docker, { image, script });
    return parseListening(output);
  }

  // Uses any image of the cluster that has a shell and a tool to connect, so none has to be pulled.
  #findImage(service: string): Promise<string> {
    this.#image ??= this.#searchImage(service);
    return this.#image;
  }

  async #searchImage(service: string): Promise<string> {
    const { docker, project } = this.#cluster;
    const [neighbour] = await this.#cluster.getRunning(service);
    const images = new Set((await this.#cluster.listContainers()).map(({ Image }) => Image));
    for (const image of images) {
      const script = "command -v timeout && { command -v bash || command -v nc; }";
      if (await succeeds(runBeside(neighbour, docker, { image, script }))) return image;
    }
    throw new BerthError({
      code: "NoProbeImage",
      message: `no image of project ${project} has a shell with bash or nc in it, so reachability can't be tried`,
      hint: "add a service whose image has them, debian:trixie-slim for example",
    });
  }
}

const connect = `try() {
  if command -v bash >/dev/null; then timeout 2 bash -c ": </dev/tcp/$1/$2" 2>/dev/null
  else timeout 2 nc -z "$1" "$2" 2>/dev/null; fi && echo "open $3"
}`;

async function succeeds(run: ReturnType<typeof runBeside>): Promise<boolean> {
  try {
    return (await run).exitCode === 0;
  } catch (error) {
    // The engine can't start `sh` in an image without it.
    if (error instanceof Error && "statusCode" in error) return false;
    throw error;
  }
}

/** Reads /proc/net/tcp and tcp6: listening (state 0A) and not on a loopback address. */
export function parseListening(table: string): readonly number[] {
  const ports = new Set<number>();
  for (const line of table.split("\n")) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    // An IPv4 address is written backwards: 127.0.0.11 is 0B00007F.
    const loopback = (address.length === 8 && address.endsWith("7F")) || /^0{24}01000000$/.test(address);
    if (state === "0A" && !loopback) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].toSorted((a, b) => a - b);
}
