import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Endpoints } from "../aws/clients.ts";
import { BerthError } from "../errors.ts";
import { fromRoot } from "../paths.ts";
import { isSystemFailure } from "../system-errors.ts";
import type { LocalCredentials } from "./account/drawn-credentials.ts";
import { askSupervisor, type SupervisorConnection } from "./control/handshake.ts";
import { controlFiles, type ControlMessage, type ControlRequest } from "./control/messages.ts";
import { pythonPath, requirePython } from "./python.ts";
import { openPrivateDirectory } from "./control/private-directory.ts";

export interface LocalAws {
  readonly endpoints: Endpoints;
  readonly credentials: LocalCredentials;
  /** `address:port`; absent from a supervisor of an earlier Berth. */
  readonly nameServer?: string | undefined;
}

export interface LocalAwsOptions {
  /** `<root>/.berth/local`: logs and keys. There is one embedded AWS per directory. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  /** Called with the progress of the start. */
  readonly note?: (text: string) => void;
}

/** The exit code of locked.py when another supervisor runs. */
const lockIsHeld = 75;

/**
 * Returns the embedded AWS of the directory once it answers, and starts it unless it runs already. It outlives this
 * process for as long as any resource is left in it, and counts this process as a user until `releaseLocalAws` is
 * called or the process ends.
 *
 * @throws BerthError `NoPythonEnvironment`, `EmulatorFailed`, `NoDockerEngine`, `BootImageFailed`, `LocalAwsFailed`,
 * `UnsafeDirectory`, `ForeignSupervisor`; the signal's reason when aborted.
 */
export async function openLocalAws(options: LocalAwsOptions): Promise<LocalAws> {
  const request: ControlRequest = { command: "open", pid: process.pid };
  await using directory = await openPrivateDirectory(options.directory);
  for (;;) {
    options.signal?.throwIfAborted();
    const connection =
      (await askSupervisor(directory, request)) ??
      (await startSupervisor(options, () => askSupervisor(directory, request)));
    if (connection === undefined) continue;
    const answer = await hear(connection, options);
    if (answer?.event === "ready") {
      // Kept open, because the supervisor counts its users by their connections. `unref` lets this process end all the
      // same.
      connection.socket.resume().unref();
      const { endpoints, credentials, nameServer } = answer;
      return { endpoints, credentials, nameServer };
    }
    connection.socket.destroy();
    if (answer?.event === "failed") throw failure(answer);
    // The running supervisor is ending. The next one can start once it has gone.
    if (answer?.event === "ending") await untilGone(answer.pid, options.signal);
  }
}

/**
 * Called when a command ends. The supervisor ends too when no other command uses it and no resource of any stack is
 * left (bucket, role, hosted zone, repository, instance, VPC, address). Returns when that is decided, and the supervisor has ended
 * if it is to.
 */
export async function releaseLocalAws(options: { directory: string }): Promise<void> {
  await using directory = await openPrivateDirectory(options.directory);
  const connection = await askSupervisor(directory, { command: "release", pid: process.pid });
  if (connection === undefined) return;
  const answer = await hear(connection, {});
  connection.socket.destroy();
  if (answer?.event === "ending") await untilGone(answer.pid);
}

/** Ends the embedded AWS of the directory, if it runs, with everything in it. Returns when it has ended. */
export async function endLocalAws(options: { directory: string }): Promise<void> {
  if (!existsSync(options.directory)) return;
  await using directory = await openPrivateDirectory(options.directory);
  const connection = await askSupervisor(directory, { command: "open", pid: process.pid });
  if (connection === undefined) return;
  const answer = await hear(connection, {});
  if (answer?.event === "ready") process.kill(answer.pid, "SIGTERM");
  if (answer?.event === "ready" || answer?.event === "ending") await untilGone(answer.pid);
  connection.socket.destroy();
}

/**
 * Starts a supervisor and connects to it, or to another one that started first. Undefined when that one has ended in
 * the meantime.
 */
async function startSupervisor(
  { directory, signal }: LocalAwsOptions,
  ask: () => Promise<SupervisorConnection | undefined>,
): Promise<SupervisorConnection | undefined> {
  requirePython();
  await mkdir(join(directory, "logs"), { recursive: true, mode: 0o700 });
  const logPath = join(directory, "logs", "supervisor.log");
  await using log = await open(logPath, "a", 0o600);
  const lock = join(directory, controlFiles.lock);
  const program = [process.execPath, ...supervisorArguments(), directory];
  const child = spawn(pythonPath, ["-IS", fromRoot("lib/local/control/locked.py"), lock, ...program], {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: supervisorEnvironment(),
  });
  const ended = once(child, "exit");
  child.unref();
  for (;;) {
    const gone = await Promise.race([ended.then(() => true), sleep(50, false, { signal })]);
    const connection = await ask();
    if (connection !== undefined) return connection;
    if (!gone) continue;
    // Another supervisor held the lock. It may not listen yet, or may have ended by now.
    if (child.exitCode === lockIsHeld) return undefined;
    throw new BerthError({
      code: "LocalAwsFailed",
      message: "the supervisor of the embedded AWS ended as soon as it started",
      hint: `its log is ${logPath}`,
    });
  }
}

/** BERTH_SUPERVISOR names a compiled supervisor, which starts in a quarter of the time. */
function supervisorArguments(): string[] {
  const compiled = process.env["BERTH_SUPERVISOR"];
  return compiled === undefined
    ? ["--import", import.meta.resolve("tsx"), fromRoot("lib/local/supervisor.ts")]
    : [compiled];
}

/** Without the user's AWS settings: the supervisor calls its own emulators only. */
function supervisorEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  const none = { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" };
  return { ...Object.fromEntries(kept), ...none, AWS_EC2_METADATA_DISABLED: "true" };
}

/** Returns the first answer that isn't a note, or undefined when the connection ended without one. */
async function hear(
  { socket, lines }: SupervisorConnection,
  options: Pick<LocalAwsOptions, "note" | "signal">,
): Promise<Exclude<ControlMessage, { event: "note" }> | undefined> {
  const abort = () => socket.destroy();
  options.signal?.addEventListener("abort", abort);
  try {
    for await (const line of lines) {
      const message: ControlMessage = JSON.parse(line);
      if (message.event !== "note") return message;
      options.note?.(message.text);
    }
    options.signal?.throwIfAborted();
    return undefined;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

async function untilGone(pid: number, signal?: AbortSignal): Promise<void> {
  while (isAlive(pid)) await sleep(50, undefined, { signal });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isSystemFailure(error, "not ours");
  }
}

function failure(message: Extract<ControlMessage, { event: "failed" }>): BerthError {
  const { code, message: text, hint, detail } = message;
  return new BerthError({ code, message: text, detail, ...(hint === undefined ? {} : { hint }) });
}
