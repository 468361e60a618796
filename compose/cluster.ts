import type Docker from "dockerode";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { isNotFound } from "../lib/docker/connection.ts";
import type { ComposeFile } from "./compose-file.ts";
import type { ComposeTool } from "./compose-tool.ts";

export interface ClusterParts {
  readonly file: ComposeFile;
  readonly docker: Docker;
  readonly tool: ComposeTool;
  readonly signal: AbortSignal;
  /** How long services may take to become ready, at the start and after each fault. */
  readonly timeoutMs: number;
}

export interface Published {
  readonly service: string;
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A running Compose project as it can be observed. Everything is found by Compose's own labels. */
export class Cluster {
  readonly file: ComposeFile;
  readonly docker: Docker;
  readonly tool: ComposeTool;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly project: string;

  constructor(parts: ClusterParts, project: string) {
    this.file = parts.file;
    this.docker = parts.docker;
    this.tool = parts.tool;
    this.signal = parts.signal;
    this.timeoutMs = parts.timeoutMs;
    this.project = project;
  }

  /** True if the cluster is there after the test, so that a user can do something to it. */
  get stays(): boolean {
    return true;
  }

  /** The file that the cluster was started from. */
  get startedFrom(): string {
    return this.file.path;
  }

  /** A command line with which a user does something to this cluster. */
  explain(args: string): string {
    return `${this.tool.command} -f ${quote(this.startedFrom)} -p ${this.project} ${args}`;
  }

  /** How a user can learn more about a service. */
  adviseLook(service: string): string {
    return `${this.explain(`logs ${service}`)} shows all of its log`;
  }

  /** All containers of one service or of all, running or not, sorted by name. */
  async listContainers(service?: string): Promise<readonly Docker.ContainerInspectInfo[]> {
    const label = [`com.docker.compose.project=${this.project}`, "com.docker.compose.oneoff=False"];
    if (service !== undefined) label.push(`com.docker.compose.service=${service}`);
    const found = await this.docker.listContainers({ all: true, filters: { label } });
    const inspected = await Promise.all(found.map(({ Id }) => this.#inspect(Id)));
    return inspected.filter((one) => one !== undefined).toSorted((a, b) => a.Name.localeCompare(b.Name));
  }

  /** The running containers of a service. Throws `NotRunning` if there is none. */
  async getRunning(service: string): Promise<readonly [Docker.Container, ...Docker.Container[]]> {
    const running = (await this.listContainers(service)).filter(({ State }) => State.Running);
    const [first, ...others] = running.map(({ Id }) => this.docker.getContainer(Id));
    if (first === undefined) {
      throw new BerthError({
        code: "NotRunning",
        message: `no container of service ${service} runs in project ${this.project}`,
        resource: service,
        hint: this.adviseLook(service),
      });
    }
    return [first, ...others];
  }

  /** The published ports of one service or of all, TCP unless another protocol is named. */
  async listPublished(service?: string, protocol = "tcp"): Promise<readonly Published[]> {
    return (await this.listContainers(service)).flatMap((container) =>
      Object.entries(container.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
        (port.endsWith(`/${protocol}`) ? (bindings ?? []) : []).map(({ HostIp, HostPort }) => ({
          service: serviceOf(container),
          hostAddress: HostIp,
          hostPort: Number(HostPort),
          containerPort: Number.parseInt(port, 10),
        })),
      ),
    );
  }

  /** The URL at which a visitor reaches a service: `http://127.0.0.1:8080`. Throws `NotPublished`. */
  async getUrl(service: string): Promise<string> {
    const [published] = await this.listPublished(service);
    if (published !== undefined) return `http://${reachable(published.hostAddress)}:${published.hostPort}`;
    throw new BerthError({
      code: "NotPublished",
      message: `service ${service} publishes no port, so no visitor can reach it`,
      resource: service,
      hint: `give ${service} a line under ports: in ${this.file.path}`,
    });
  }

  // A container can disappear between listing and inspecting it. Then it is left out.
  async #inspect(id: string): Promise<Docker.ContainerInspectInfo | undefined> {
    try {
      return await this.docker.getContainer(id).inspect();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** A word of a command line, in quotes if a shell would see anything else in it. */
export const quote = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

export const serviceOf = (container: Docker.ContainerInspectInfo): string =>
  container.Config.Labels["com.docker.compose.service"] ?? container.Name;

/** Turns a published address into one to connect to: 0.0.0.0 stands for all addresses, so loopback works too. */
export function reachable(address: string): string {
  if (address === "" || address === "0.0.0.0") return "127.0.0.1";
  if (address === "::") return "[::1]";
  return address.includes(":") ? `[${address}]` : address;
}

/** Finds the cluster that already runs under this project name. Throws `NothingRuns`. */
export async function joinCluster(parts: ClusterParts, project: string): Promise<Cluster> {
  const cluster = new Cluster(parts, project);
  if ((await cluster.listContainers()).some(({ State }) => State.Running)) return cluster;
  throw new BerthError({
    code: "NothingRuns",
    message: `no container of project ${project} runs`,
    hint: `start it (${cluster.explain("up -d")}), name another one with --project, or leave --running out`,
    exitCode: exitCodes.badInput,
  });
}
