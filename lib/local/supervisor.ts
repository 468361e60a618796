import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "../errors.ts";
import { controlSocketOf, type ControlMessage, type ControlRequest } from "./control.ts";
import { startEmbeddedAws, type EmbeddedAws } from "./embedded-aws.ts";

/**
 * The process that runs one embedded AWS for the commands of one clone, started by lib/local/local-aws.ts. One at a time:
 * whoever can't have the control socket leaves at once. It ends when nobody is connected and nothing is left to serve, on
 * SIGTERM, and when an emulator ends.
 */
class Supervisor {
  readonly #directory: string;
  readonly #users = new Map<Socket, number>();
  #told: ControlMessage = { event: "note", text: "starting the supervisor of the embedded AWS" };
  #aws: EmbeddedAws | undefined;
  #starting: Promise<EmbeddedAws> | undefined;
  readonly #stop = new AbortController();
  #ending: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async run(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    if (!(await listenAlone(server, controlSocketOf(this.#directory)))) return;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void this.#end(signal));
    try {
      this.#starting = startEmbeddedAws({
        directory: this.#directory,
        signal: this.#stop.signal,
        note: (text) => this.#tell({ event: "note", text }),
        log,
      });
      this.#aws = await this.#starting;
    } catch (error) {
      if (this.#ending === undefined) this.#fail(error);
      return;
    }
    const { endpoints, credentials, broken } = this.#aws;
    void broken.then(() => this.#end("an emulator ended"));
    await writeFile(
      join(this.#directory, "supervisor.json"),
      JSON.stringify({ pid: process.pid, endpoints, credentials }),
      { mode: 0o600 },
    );
    log(`Ready: ${JSON.stringify(endpoints)}`);
    this.#tell({ event: "ready", pid: process.pid, endpoints, credentials });
    await this.#endIfUnused("whoever started it is gone");
  }

  #serve(socket: Socket): void {
    socket.on("error", (error) => log(`A connection failed: ${error.message}`));
    socket.on("close", () => {
      if (this.#users.delete(socket)) void this.#endIfUnused("the last command went away");
    });
    createInterface({ input: socket }).on("line", (line) => {
      const request = parseRequest(line);
      if (request === undefined) socket.destroy();
      else if (request.command === "release") void this.#release(socket, request.pid);
      else {
        this.#users.set(socket, request.pid);
        send(socket, this.#told);
      }
    });
  }

  async #release(socket: Socket, pid: number): Promise<void> {
    for (const [user, userPid] of this.#users) if (userPid === pid) this.#users.delete(user);
    await this.#endIfUnused("released");
    send(socket, this.#ending === undefined ? this.#told : { event: "ending", pid: process.pid });
    socket.end();
  }

  /** Returns once it is decided; the end itself goes on. */
  async #endIfUnused(why: string): Promise<void> {
    if (this.#aws === undefined || this.#ending !== undefined || this.#users.size > 0) return;
    const remains = await this.#aws.listRemains();
    if (remains.length > 0) log(`Going on for ${remains.join(", ")}`);
    else if (this.#users.size === 0) void this.#end(`${why}, and nothing is left`);
  }

  #end(why: string): Promise<void> {
    this.#ending ??= this.#finish(why);
    return this.#ending;
  }

  async #finish(why: string): Promise<void> {
    log(`Ending: ${why}`);
    this.#tell({ event: "ending", pid: process.pid });
    this.#stop.abort();
    // A start that fails has taken back what it did by itself.
    const aws = await this.#starting?.catch(() => undefined);
    await aws?.[Symbol.asyncDispose]();
    log("Ended");
    process.exit();
  }

  #fail(error: unknown): void {
    const known = error instanceof BerthError ? error : undefined;
    log(`Failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    this.#tell({
      event: "failed",
      code: known?.code ?? "LocalAwsFailed",
      message: known?.message ?? String(error),
      hint: known?.hint,
      detail: known?.detail ?? [],
    });
    // Those who are told close their side; nobody new is let in.
    process.exitCode = 1;
    for (const user of this.#users.keys()) user.end();
    setTimeout(() => process.exit(1), 100);
  }

  #tell(message: ControlMessage): void {
    this.#told = message;
    for (const user of this.#users.keys()) send(user, message);
  }
}

/** Any program of this computer can connect; one that speaks something else is no reason to end. */
function parseRequest(line: string): ControlRequest | undefined {
  try {
    const request: ControlRequest = JSON.parse(line);
    return request.command === "open" || request.command === "release" ? request : undefined;
  } catch {
    return undefined;
  }
}

function send(socket: Socket, message: ControlMessage): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

async function listenAlone(server: Server, path: string): Promise<boolean> {
  server.listen(path);
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return false;
    throw error;
  }
}

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}

const [, , directory] = process.argv;
if (directory === undefined) throw new Error("Usage: supervisor.ts DIRECTORY");
await new Supervisor(directory).run();
