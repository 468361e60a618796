import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { ComposeTool, ToolRun } from "../../../compose/compose-tool.ts";
import { Cluster } from "../../../compose/cluster.ts";
import type { ComposeFile, Roles } from "../../../compose/compose-file.ts";
import type { ExecResult } from "../../../compose/container.ts";
import { OwnCluster } from "../../../compose/own-cluster.ts";
import { FakeContainer } from "./container.ts";
import { FakeEngine } from "./engine.ts";

export const roles: Roles = { edge: "nginx", app: "web", database: "db", migrations: "migrate" };
const project = "fake";

export interface PageAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
}

/**
 * The page-view cluster as the checks see it: an engine with five containers, and the page over HTTP. Everything works;
 * a test breaks one thing.
 */
export class Shop implements AsyncDisposable {
  readonly engine: FakeEngine;
  readonly file: ComposeFile;
  /** Rows in the database. */
  views = 0;
  /** How many rows a request adds to the database. */
  countsOf: (request: IncomingMessage) => number = (request) =>
    request.method === "GET" && request.url === "/" && !isForeignHost(request) ? 1 : 0;
  /** May change each answer before it is sent. */
  spoil: (answer: PageAnswer, request: IncomingMessage) => void = () => undefined;
  /** psql's answer to a query; undefined for the normal answer. */
  psql: (query: string) => ExecResult | undefined = () => undefined;
  /** Whether an app that is stopped finishes its requests in flight, and with which exit code it ends. */
  drains = true;
  exitCode = 0;
  /** How often one view gives up its wait for the lock before it is let go. */
  impatient = 0;
  /** Whether the engine restarts a killed container. */
  restarts = true;
  timeoutMs = 20_000;
  readonly #server: Server;
  #turn = 0;
  #holder: (() => void) | undefined;
  #waiting: (() => void)[] = [];

  private constructor(engine: FakeEngine, server: Server) {
    this.engine = engine;
    this.#server = server;
    this.file = describeFile();
    server.on("request", (request, response) => void this.#serve(request, response));
    this.#build();
  }

  static async open(): Promise<Shop> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Shop(await FakeEngine.start(), server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await Promise.all([once(this.#server, "close"), this.engine[Symbol.asyncDispose]()]);
  }

  /** A cluster of the user's: the checks may create or remove nothing in it. */
  get cluster(): Cluster {
    const { signal } = new AbortController();
    const { file, timeoutMs } = this;
    return new Cluster({ file, docker: this.engine.docker, tool: noTool, signal, timeoutMs }, project);
  }

  /** The test's own cluster, which docker-compose may change. */
  get own(): OwnCluster {
    const { signal } = new AbortController();
    const tool: ComposeTool = { ...noTool, run: (args) => Promise.resolve(this.compose(args)) };
    const isolated = { content: {}, tags: [], folders: [], files: [], replaced: [] };
    const before = { volumes: new Set<string>(), images: new Set<string>() };
    const { file, timeoutMs } = this;
    const parts = { file, docker: this.engine.docker, tool, signal, timeoutMs, isolated, before };
    return new OwnCluster({ ...parts, folder: "/fake", environment: {}, keep: false }, project);
  }

  /** `up`, `up --scale` and `down`. */
  compose = (args: readonly string[]): ToolRun => {
    const scale = Number(/^web=(\d+)$/.exec(args[args.indexOf("--scale") + 1] ?? "")?.[1]);
    if (args.includes("down")) this.engine.containers.length = 0;
    else if (scale > 0)
      for (let at = this.engine.allOf("web").length; at < scale; at += 1) this.addApp(at + 1);
    else this.#build();
    return { exitCode: 0, lines: [], stdout: "" };
  };

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  add(service: string, at = 1): FakeContainer {
    const labels = {
      "com.docker.compose.project": project,
      "com.docker.compose.service": service,
      "com.docker.compose.oneoff": "False",
    };
    const container = new FakeContainer(`${project}-${service}-${at}`, labels);
    container.networks = [...(this.file.services.get(service)?.networks ?? [])];
    this.engine.containers.push(container);
    this.engine.start(container);
    return container;
  }

  addApp(at: number): FakeContainer {
    const app = this.add("web", at);
    app.listens = [8000];
    app.setHealth("healthy");
    app.execute = (command) => this.#inApp(app, command);
    app.end = () => {
      if (!this.drains) for (const go of this.#waiting.splice(0)) go();
      return Promise.resolve(this.exitCode);
    };
    return app;
  }

  /** Creates all containers at once, as `docker-compose up` would. */
  #build(): void {
    const migrate = this.add("migrate");
    migrate.info.HostConfig.RestartPolicy.Name = "no";
    this.engine.exit(migrate, 0);
    const db = this.add("db");
    db.listens = [5432];
    db.setHealth("healthy");
    db.execute = (command) => this.#inDatabase(command.at(-1) ?? "");
    this.addApp(1);
    this.addApp(2);
    const edge = this.add("nginx");
    edge.listens = [8080];
    edge.setHealth("healthy");
    edge.info.NetworkSettings.Ports["8080/tcp"] = [{ HostIp: "127.0.0.1", HostPort: String(this.port) }];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request);
    this.spoil(answer, request);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async #answer(request: IncomingMessage): Promise<PageAnswer> {
    const id = request.headers["x-request-id"] ?? "drawn";
    const answer = await this.#makeAnswer(request);
    answer.headers = { ...securityHeaders, server: "nginx", "x-request-id": id, ...answer.headers };
    this.engine
      .of("nginx")
      .log.push(JSON.stringify({ request_id: id, upstream_status: String(answer.status) }));
    return answer;
  }

  async #makeAnswer(request: IncomingMessage): Promise<PageAnswer> {
    const plain = (status: number, body = "ok"): PageAnswer => ({ status, headers: {}, body });
    if (request.url === "/static/a.css") {
      const headers = { "content-type": "text/css", "cache-control": "max-age=1, immutable" };
      return { status: 200, headers, body: "body {}" };
    }
    const added = this.countsOf(request);
    const apps = this.engine.allOf("web").filter(({ info }) => info.State.Running);
    const app = apps[this.#turn++ % Math.max(1, apps.length)];
    if (request.url === "/" && (app === undefined || !this.engine.of("db").info.State.Running))
      return plain(502);
    if (isForeignHost(request)) {
      this.views += added;
      return plain(400);
    }
    if (request.url !== "/") {
      this.views += added;
      return plain(200);
    }
    if (this.#holder !== undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.#holder !== undefined) return plain(502);
    }
    this.views += added;
    return this.#showPage(this.views, app?.info.Name ?? "");
  }

  #showPage(count: number, servedBy: string): PageAnswer {
    return {
      status: 200,
      headers: { "x-page-views": String(count), "x-served-by": servedBy },
      body: `<link rel="stylesheet" href="/static/a.css"><b id="count">${count}</b>`,
    };
  }

  async #inDatabase(query: string): Promise<ExecResult> {
    const said = this.psql(query);
    if (said !== undefined) return said;
    const say = (output: string | number): ExecResult => ({ exitCode: 0, output: String(output) });
    if (query.includes("pageviews_pageview")) return say(this.views);
    if (query.includes("pg_advisory_lock")) {
      await new Promise<void>((resolve) => (this.#holder = resolve));
      return { exitCode: 1, output: "canceled" };
    }
    if (query.includes("granted = true")) return say(this.#holder === undefined ? 0 : 1);
    if (query.includes("granted = false")) return say(this.#waiting.length);
    if (query.includes("pg_cancel_backend")) {
      await sleep(1000 * Number(/pg_sleep\((\d+)\)/.exec(query)?.[1]));
      if (this.impatient > 0) {
        this.#waiting.shift()?.();
        // It is answered before the others are let go.
        await sleep(10);
      }
      this.impatient -= 1;
      const held = this.#waiting.length;
      const release = this.#holder;
      this.#holder = undefined;
      release?.();
      for (const go of this.#waiting.splice(0)) go();
      return say(`f\n${held}\nt`);
    }
    return { exitCode: 1, output: `unknown: ${query}` };
  }

  #inApp(app: FakeContainer, command: readonly string[]): Promise<ExecResult> {
    const script = command.at(-1) ?? "";
    if (script.includes("/run/secrets/")) return Promise.resolve({ exitCode: 0, output: `${secret}\nshort` });
    if (script !== "kill -9 -1") return Promise.resolve({ exitCode: 127, output: "not found" });
    this.engine.exit(app, 137);
    if (this.restarts) setTimeout(() => this.engine.start(app), 150);
    return Promise.resolve({ exitCode: 137, output: "" });
  }
}

/** The app's secret in /run/secrets. */
export const secret = "a-secret-of-more-than-sixteen";

const isForeignHost = ({ headers }: IncomingMessage): boolean => headers.host === "evil.example";

const securityHeaders = {
  "content-security-policy": "default-src 'self'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=()",
};

const noTool: ComposeTool = {
  command: "docker-compose",
  version: "none",
  major: 2,
  run: () => Promise.reject(new Error("nobody may run docker-compose here")),
};

function describeFile(): ComposeFile {
  const service = (
    name: string,
    networks: string[],
    needs: Record<string, string> = {},
    ports: { readonly published?: number; readonly exposed?: number } = {},
  ) => {
    const list = (target?: number) => (target === undefined ? [] : [{ target, protocol: "tcp" }]);
    const [published, exposed] = [list(ports.published), list(ports.exposed)];
    return [name, { name, networks, dependsOn: new Map(Object.entries(needs)), published, exposed }] as const;
  };
  return {
    path: "/fake/docker-compose.yml",
    defaultProject: project,
    roles,
    services: new Map([
      // In another order than that in which the services start.
      service("nginx", ["edge", "app"], { web: "service_healthy" }, { published: 8080 }),
      service(
        "web",
        ["app", "data"],
        { migrate: "service_completed_successfully", db: "service_healthy" },
        { exposed: 8000 },
      ),
      service("migrate", ["data"], { db: "service_healthy" }),
      service("db", ["data"], {}, { exposed: 5432 }),
    ]),
    resolved: { services: {}, networks: {}, volumes: {}, secrets: {}, configs: {} },
  };
}
