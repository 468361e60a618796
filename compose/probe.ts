import { lookUntil } from "../lib/poll.ts";
import { BerthError } from "../lib/errors.ts";
import type { Cluster } from "./cluster.ts";
import { runBeside } from "./container.ts";
import type { Port } from "./isolation/ports.ts";
import { pace } from "./pace.ts";
import { isServer } from "./server.ts";
import { parseSockets, type Sockets } from "./sockets.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Patience {
  /** How long a service that declares a port may take until it listens. */
  readonly timeoutMs: number;
  /**
   * How long a service that declares no port may take until it listens on any, and a way until it is open: 8 s, or a
   * tenth of `timeoutMs` if that is more, so that a slow computer gets more time here too.
   */
  readonly workerMs: number;
}

/** Has what the probe needs, and is there on every computer that has run Berth's tests. */
const fallbackImage = "debian:trixie-slim";

/** Examines the network from inside a cluster's containers, whatever tools their images contain. */
export class NetworkProbe {
  readonly #cluster: Cluster;
  readonly #patience: Patience;
  readonly #sockets = new Map<string, Promise<Sockets>>();
  #image: Promise<string> | undefined;

  constructor(cluster: Cluster, { timeoutMs }: Pick<Patience, "timeoutMs"> = cluster) {
    this.#cluster = cluster;
    this.#patience = { timeoutMs, workerMs: Math.min(Math.max(8000, timeoutMs / 10), timeoutMs) };
  }

  /** TCP ports on which something in the service's first container listens for others. */
  async listListening(service: string): Promise<readonly number[]> {
    return (await this.#lookOnce(service)).tcp;
  }

  /** Addresses inside the service's first container on which something listens for that container alone. */
  async listLocal(service: string): Promise<readonly string[]> {
    return (await this.#lookOnce(service)).local;
  }

  /** UDP ports at which something in the service's first container receives from others. */
  async listReceiving(service: string): Promise<readonly number[]> {
    return (await this.#lookOnce(service)).udp;
  }

  /** Like `findOpen`, but looks until one is open or time is up: a busy engine may answer late for a name. */
  async awaitOpen(service: string, targets: readonly Target[]): Promise<readonly Target[]> {
    let open: readonly Target[] = [];
    const look = async () => {
      this.#cluster.signal.throwIfAborted();
      open = await this.findOpen(service, targets);
      return open.length > 0 ? { done: true } : { waiting: `a way from ${service}` };
    };
    const what = `a way from ${service}`;
    await lookUntil(pace(this.#cluster, 2000), { what, timeoutMs: this.#patience.workerMs, look });
    return open;
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

  #lookOnce(service: string): Promise<Sockets> {
    const known = this.#sockets.get(service) ?? this.#waitForSockets(service);
    this.#sockets.set(service, known);
    return known;
  }

  /** A container runs before its program listens. So this looks again until every published port is there, or time is up. */
  async #waitForSockets(service: string): Promise<Sockets> {
    const published = this.#cluster.file.services.get(service)?.published ?? [];
    const declares = published.length > 0 || (await isServer(this.#cluster, service));
    let seen: Sockets = { tcp: [], udp: [], local: [] };
    const look = async () => {
      this.#cluster.signal.throwIfAborted();
      seen = await this.#readSockets(service);
      return isComplete(seen, published) ? { done: true } : { waiting: `${service} to listen` };
    };
    await lookUntil(pace(this.#cluster, 2000), {
      what: `${service} to listen`,
      timeoutMs: declares ? this.#patience.timeoutMs : this.#patience.workerMs,
      look,
    });
    return seen;
  }

  async #readSockets(service: string): Promise<Sockets> {
    const [container] = await this.#cluster.getRunning(service);
    const image = await this.#findImage(service);
    const script =
      "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; echo udp; cat /proc/net/udp /proc/net/udp6 2>/dev/null";
    const { output } = await runBeside(container, this.#cluster.docker, { image, script });
    return parseSockets(output);
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
    for (const image of [...images, fallbackImage]) {
      const script = "command -v timeout && { command -v bash || command -v nc; }";
      if (await succeeds(runBeside(neighbour, docker, { image, script }))) return image;
    }
    throw new BerthError({
      code: "NoProbeImage",
      message: `no image of project ${project} has a shell with bash or nc in it, so reachability can't be tried`,
      hint: `have one that does on this computer, then try again: docker pull ${fallbackImage}`,
    });
  }
}

/** Any port will do for a service that publishes none, and any published one by UDP: media servers open them by need. */
function isComplete({ tcp, udp }: Sockets, published: readonly Port[]): boolean {
  if (published.length === 0) return tcp.length > 0;
  const targetsOf = (wanted: string) =>
    published.filter(({ protocol }) => protocol === wanted).map(({ target }) => target);
  const received = targetsOf("udp");
  return (
    targetsOf("tcp").every((port) => tcp.includes(port)) &&
    (received.length === 0 || received.some((port) => udp.includes(port)))
  );
}

const connect = `try() {
  if command -v bash >/dev/null; then timeout 2 bash -c ": </dev/tcp/$1/$2" 2>/dev/null
  else timeout 2 nc -z "$1" "$2" 2>/dev/null; fi && echo "open $3"
}`;

async function succeeds(run: ReturnType<typeof runBeside>): Promise<boolean> {
  try {
    return (await run).exitCode === 0;
  } catch (error) {
    // The engine can't start `sh` in an image without it, and doesn't have every image.
    if (error instanceof Error && "statusCode" in error) return false;
    throw error;
  }
}
