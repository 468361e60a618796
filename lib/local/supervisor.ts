import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { fstatSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { BerthError } from "../errors.ts";
import { drawSecret } from "./account/drawn-credentials.ts";
import { longestHandshakeMs, readProvenRequest } from "./control/handshake.ts";
import { controlFiles, type ControlMessage, toldAfter } from "./control/messages.ts";
import { startEmbeddedAws, type EmbeddedAws } from "./embedded-aws.ts";
import { openPrivateDirectory, type PrivateDirectory } from "./control/private-directory.ts";

/** The most commands of one clone that may be connected at a time. */
const mostConnections = 64;

/**
 * The process that runs one embedded AWS for the commands of one clone. lib/local/local-aws.ts starts it. Only one runs
 * at a time: locked.py starts it holding the directory's lock. It ends when nobody is connected and no resource is
 * left, on SIGTERM, and when an emulator ends.
 */
class Supervisor {
  readonly #directory: string;
  #files: PrivateDirectory | undefined;
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
    const directory = await openPrivateDirectory(this.#directory);
    this.#files = directory;
    requireLock(directory);
    const secret = await drawControlSecret(directory);
    await listenAt(
      directory,
      createServer((socket) => void this.#serve(socket, secret)),
    );
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
    const { endpoints, credentials, nameServer, broken } = this.#aws;
    void broken.then(() => this.#end("an emulator ended"));
    const told = { pid: process.pid, endpoints, credentials };
    await writeFile(directory.pathOf("supervisor.json"), JSON.stringify(told), { mode: 0o600 });
    await writeFile(directory.pathOf(shellFile), shellLines(this.#aws), { mode: 0o600 });
    log(`Ready: ${JSON.stringify(endpoints)}`);
    this.#tell({ event: "ready", pid: process.pid, endpoints, credentials, nameServer });
    await this.#endIfUnused("whoever started it is gone");
  }

  async #serve(socket: Socket, secret: string): Promise<void> {
    socket.on("error", (error) => log(`A connection failed: ${error.message}`));
    socket.on("close", () => {
      if (this.#users.delete(socket)) void this.#endIfUnused("the last command went away");
    });
    socket.setTimeout(longestHandshakeMs, () => socket.destroy());
    const request = await readProvenRequest(socket, secret);
    if (request === undefined) {
      log("Somebody connected without the secret");
      socket.destroy();
      return;
    }
    socket.setTimeout(0);
    // The client sends nothing more; only the end of the connection matters.
    socket.resume();
    if (request.command === "release") return this.#release(socket, request.pid);
    if (socket.destroyed) return;
    this.#users.set(socket, request.pid);
    send(socket, this.#told);
  }

  async #release(socket: Socket, pid: number): Promise<void> {
    for (const [user, userPid] of this.#users) if (userPid === pid) this.#users.delete(user);
    await this.#endIfUnused("released");
    send(socket, this.#ending === undefined ? this.#told : { event: "ending", pid: process.pid });
    socket.end();
  }

  /** Returns once it is decided whether to end. The end itself continues after that. */
  async #endIfUnused(why: string): Promise<void> {
    if (this.#aws === undefined || this.#ending !== undefined || this.#users.size > 0) return;
    const left = await this.#aws.listResourcesLeft();
    if (left.length > 0) log(`Going on for ${left.join(", ")}`);
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
    // A start that failed has cleaned up after itself.
    const aws = await this.#starting?.catch(() => undefined);
    await aws?.[Symbol.asyncDispose]();
    for (const name of [controlFiles.socket, controlFiles.secret, shellFile]) {
      if (this.#files !== undefined) await rm(this.#files.pathOf(name), { force: true });
    }
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
    // Clients close their side when they are told. New ones aren't accepted.
    process.exitCode = 1;
    for (const user of this.#users.keys()) user.end();
    setTimeout(() => process.exit(1), 100);
  }

  #tell(message: ControlMessage): void {
    this.#told = toldAfter(this.#told, message);
    for (const user of this.#users.keys()) send(user, message);
  }
}

function send(socket: Socket, message: ControlMessage): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

/** For people who want to look into the embedded AWS: `. .berth/local/aws.env` in a shell, and the `aws` command asks here. */
const shellFile = "aws.env";

function shellLines({ endpoints, credentials }: Pick<EmbeddedAws, "endpoints" | "credentials">): string {
  return `unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ENDPOINT_URL=${endpoints.ec2}
export AWS_ACCESS_KEY_ID=${credentials.accessKeyId}
export AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}
`;
}

/** The holder of the lock is the only supervisor, so it may replace what an earlier one left. */
function requireLock(directory: PrivateDirectory): void {
  const held = fstatSync(Number(process.env["BERTH_LOCK"] ?? -1));
  const lock = statSync(directory.pathOf(controlFiles.lock));
  if (held.ino !== lock.ino || held.dev !== lock.dev) throw new Error("Start it by locked.py");
}

async function drawControlSecret(directory: PrivateDirectory): Promise<string> {
  const secret = drawSecret();
  const path = directory.pathOf(controlFiles.secret);
  await rm(path, { force: true });
  await writeFile(path, secret, { mode: 0o600, flag: "wx" });
  return secret;
}

async function listenAt(directory: PrivateDirectory, server: Server): Promise<void> {
  const path = directory.pathOf(controlFiles.socket);
  await rm(path, { force: true });
  server.maxConnections = mostConnections;
  server.listen(path);
  await once(server, "listening");
}

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}

const [, , directory] = process.argv;
if (directory === undefined) throw new Error("Usage: supervisor.ts DIRECTORY");
await new Supervisor(directory).run();
