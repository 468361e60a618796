import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { buffer, json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import Docker from "dockerode";
import { pack } from "tar-stream";
import { z } from "zod";
import type { ExecResult } from "../../../compose/container.ts";
import { FakeContainer, type FakeStart } from "./container.ts";
import { runProbe } from "./probe.ts";

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}
interface Call {
  readonly match: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}
type Route = (call: Call) => Promise<Reply> | Reply;

const creation = z.looseObject({
  Image: z.string(),
  Entrypoint: z.array(z.string()).default([]),
  Labels: z.record(z.string(), z.string()).default({}),
  HostConfig: z.looseObject({ NetworkMode: z.string() }),
});

/** An engine that serves the part of Docker's HTTP API that the checks use, and keeps its state. */
export class FakeEngine implements AsyncDisposable {
  readonly containers: FakeContainer[] = [];
  /** Connections that are possible although no network allows them: `web>db:5432`. */
  readonly leaks = new Set<string>();
  /** Ports that are closed although a network allows the connection. */
  readonly walls = new Set<string>();
  /** What the images start, by their ids. */
  readonly images = new Map<string, FakeStart>();
  /** Containers that end while somebody watches, each with its exit code. */
  readonly deaths: (readonly [FakeContainer, number])[] = [];
  readonly #execs = new Map<string, { container: FakeContainer; command: string[]; result?: ExecResult }>();
  readonly #scripts = new Map<FakeContainer, { script: string; beside: FakeContainer }>();
  readonly #server: Server;
  #starts = 0;
  docker: Docker;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    this.docker = new Docker({ host: "127.0.0.1", port, protocol: "http" });
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeEngine> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeEngine(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  of(service: string): FakeContainer {
    const found = this.containers.find((one) => one.service === service);
    if (found === undefined) throw new Error(`no container of ${service}`);
    return found;
  }

  allOf(service: string): readonly FakeContainer[] {
    return this.containers.filter((one) => one.service === service);
  }

  start(container: FakeContainer): void {
    const { State: state, NetworkSettings: settings } = container.info;
    this.#starts += 1;
    Object.assign(state, { Status: "running", Running: true, Restarting: false, ExitCode: 0 });
    state.StartedAt = `start ${this.#starts}`;
    for (const network of container.networks)
      settings.Networks[network] = { IPAddress: this.#findFreeAddress(network) };
  }

  exit(container: FakeContainer, exitCode: number): void {
    const { State: state, NetworkSettings: settings } = container.info;
    Object.assign(state, { Status: "exited", Running: false, ExitCode: exitCode });
    settings.Networks = Object.fromEntries(container.networks.map((name) => [name, { IPAddress: "" }]));
  }

  /** The lowest free address on the network, as a bridge assigns it. */
  #findFreeAddress(network: string): string {
    const taken = new Set(
      this.containers.map(({ info }) => info.NetworkSettings.Networks[network]?.IPAddress),
    );
    const prefix = `10.${network.length}.${network.charCodeAt(0)}`;
    for (let last = 2; ; last += 1) if (!taken.has(`${prefix}.${last}`)) return `${prefix}.${last}`;
  }

  readonly #routes: readonly (readonly [string, RegExp, Route])[] = [
    ["GET", /^\/containers\/json$/, ({ query }) => ({ status: 200, body: this.#list(query) })],
    ["GET", /^\/containers\/(\w+)\/json$/, ({ match }) => ({ status: 200, body: this.#get(match).info })],
    ["GET", /^\/containers\/(\w+)\/logs$/, ({ match, query }) => this.#readLog(match, query)],
    ["GET", /^\/containers\/(\w+)\/archive$/, ({ match, query }) => this.#readArchive(match, query)],
    ["POST", /^\/containers\/create$/, ({ body }) => this.#create(body)],
    ["POST", /^\/containers\/(\w+)\/start$/, ({ match }) => this.#startOne(match)],
    ["POST", /^\/containers\/(\w+)\/stop$/, ({ match }) => this.#stop(match)],
    ["POST", /^\/containers\/(\w+)\/restart$/, ({ match }) => this.#restart(match)],
    ["POST", /^\/containers\/(\w+)\/wait$/, ({ match }) => this.#wait(match)],
    ["POST", /^\/containers\/(\w+)\/exec$/, ({ match, body }) => this.#createExec(match, body)],
    ["POST", /^\/exec\/(\w+)\/start$/, ({ match }) => this.#startExec(match)],
    ["GET", /^\/exec\/(\w+)\/json$/, ({ match }) => this.#inspectExec(match)],
    ["DELETE", /^\/containers\/(\w+)$/, ({ match }) => this.#remove(match)],
    ["GET", /^\/images\/([\w:]+)\/json$/, ({ match }) => this.#readImage(match)],
    ["GET", /^\/info$/, () => ({ status: 200, body: { SystemTime: new Date().toISOString() } })],
    ["GET", /^\/events$/, ({ query }) => this.#tellDeaths(query.has("until"))],
    ["POST", /^\/networks\/([^/]+)\/connect$/, ({ match, body }) => this.#connect(match, body)],
  ];

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    if (body instanceof Readable) {
      response.writeHead(status, { "content-type": "application/json" }).flushHeaders();
      // The client ends it.
      await pipeline(body, response).catch(() => {});
      return;
    }
    const isRaw = Buffer.isBuffer(body);
    response.writeHead(status, { "content-type": isRaw ? "application/octet-stream" : "application/json" });
    response.end(isRaw ? body : body === undefined ? "" : JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const url = new URL(request.url ?? "/", "http://engine");
    for (const [method, path, route] of this.#routes) {
      const match = path.exec(url.pathname);
      if (match === null || request.method !== method) continue;
      const body = Number(request.headers["content-length"] ?? 0) > 0 ? await json(request) : undefined;
      try {
        return await route({ match: match.slice(1), query: url.searchParams, body });
      } catch (error) {
        return { status: error instanceof Missing ? 404 : 500, body: { message: String(error) } };
      }
    }
    return { status: 501, body: { message: `${request.method ?? ""} ${url.pathname}` } };
  }

  #get([id]: readonly string[]): FakeContainer {
    const found = this.containers.find(({ info }) => info.Id === id);
    if (found === undefined) throw new Missing(id);
    return found;
  }

  #list(query: URLSearchParams) {
    const filters = z.object({ label: z.array(z.string()) }).parse(JSON.parse(query.get("filters") ?? "{}"));
    return this.containers
      .filter(({ info }) => filters.label.every((one) => hasLabel(info.Config.Labels, one)))
      .map(({ info }) => ({ Id: info.Id, Names: [info.Name] }));
  }

  #readLog(match: readonly string[], query: URLSearchParams): Reply {
    const tail = Number(query.get("tail") ?? Infinity);
    const { log, info } = this.#get(match);
    const lines = log.slice(-tail).map((line) => `${line}\n`);
    const chunks = lines.map((line) => (info.Config.Tty === true ? Buffer.from(line) : frame(line)));
    return { status: 200, body: Buffer.concat(chunks) };
  }

  async #readArchive(match: readonly string[], query: URLSearchParams): Promise<Reply> {
    const content = this.#get(match).files.get(query.get("path") ?? "");
    if (content === undefined) throw new Missing(query.get("path") ?? "");
    const archive = pack();
    archive.entry({ name: "file" }, content);
    archive.finalize();
    return { status: 200, body: await buffer(Readable.from(archive)) };
  }

  #create(body: unknown): Reply {
    const { Image, Entrypoint, Labels, HostConfig } = creation.parse(body);
    const made = new FakeContainer(`made-${this.containers.length}`, Labels);
    made.info.Image = Image;
    const beside = /^container:(\w+)$/.exec(HostConfig.NetworkMode)?.[1];
    if (beside === undefined) made.networks = [HostConfig.NetworkMode];
    else this.#scripts.set(made, { script: Entrypoint.at(-1) ?? "", beside: this.#get([beside]) });
    this.containers.push(made);
    return { status: 201, body: { Id: made.info.Id } };
  }

  #startOne(match: readonly string[]): Reply {
    const container = this.#get(match);
    const job = this.#scripts.get(container);
    this.start(container);
    if (job === undefined) return { status: 204 };
    const { exitCode, output } = runProbe(this, job);
    container.log.push(...output.split("\n"));
    this.exit(container, exitCode);
    return { status: 204 };
  }

  async #stop(match: readonly string[]): Promise<Reply> {
    const container = this.#get(match);
    this.exit(container, await container.end());
    return { status: 204 };
  }

  async #restart(match: readonly string[]): Promise<Reply> {
    await this.#stop(match);
    this.start(this.#get(match));
    return { status: 204 };
  }

  #wait(match: readonly string[]): Reply {
    return { status: 200, body: { StatusCode: this.#get(match).info.State.ExitCode } };
  }

  #createExec(match: readonly string[], body: unknown): Reply {
    const { Cmd } = z.looseObject({ Cmd: z.array(z.string()) }).parse(body);
    const id = `exec${this.#execs.size}`;
    this.#execs.set(id, { container: this.#get(match), command: Cmd });
    return { status: 201, body: { Id: id } };
  }

  async #startExec([id = ""]: readonly string[]): Promise<Reply> {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new Missing(id);
    exec.result = await exec.container.execute(exec.command);
    return { status: 200, body: frame(exec.result.output) };
  }

  #inspectExec([id = ""]: readonly string[]): Reply {
    return { status: 200, body: { ExitCode: this.#execs.get(id)?.result?.exitCode ?? null } };
  }

  #remove(match: readonly string[]): Reply {
    this.containers.splice(this.containers.indexOf(this.#get(match)), 1);
    return { status: 204 };
  }

  #readImage([id = ""]: readonly string[]): Reply {
    const start = this.images.get(id);
    if (start === undefined) throw new Missing(id);
    return { status: 200, body: { Config: start } };
  }

  #tellDeaths(ends: boolean): Reply {
    const linesFrom = (first: number) =>
      this.deaths.slice(first).map(([{ info }, exitCode]) => {
        const attributes = { ...info.Config.Labels, exitCode: String(exitCode) };
        return `${JSON.stringify({ Action: "die", Actor: { ID: info.Id, Attributes: attributes } })}\n`;
      });
    if (ends) return { status: 200, body: Buffer.from(linesFrom(0).join("")) };
    const body = new Readable({ read: () => {} });
    let told = 0;
    const timer = setInterval(() => {
      for (const line of linesFrom(told)) body.push(line);
      told = this.deaths.length;
    }, 5);
    body.once("close", () => clearInterval(timer));
    return { status: 200, body };
  }

  #connect([network = ""]: readonly string[], body: unknown): Reply {
    const { Container } = z.looseObject({ Container: z.string() }).parse(body);
    this.#get([Container]).networks.push(network);
    return { status: 200 };
  }
}

class Missing extends Error {}

const hasLabel = (labels: Readonly<Record<string, string>>, wanted: string): boolean => {
  const [name = "", value] = wanted.split("=");
  return labels[name] === value;
};

/** One stdout chunk of the engine's multiplexed stream. */
function frame(text: string): Buffer {
  const content = Buffer.from(text);
  const head = Buffer.alloc(8);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(content.length, 4);
  return Buffer.concat([head, content]);
}
