import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { BerthError } from "../../errors.ts";
import { fromRoot } from "../../paths.ts";
import { pythonPath, requirePython } from "../python.ts";

/**
 * One process that emulates AWS, on a Unix socket in a folder that only this user can enter. It has no port: everybody
 * but this user has to use the gateway, which checks who calls.
 */
export interface Emulator {
  readonly socketPath: string;
  /** Settles when the process has ended, for any reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  readonly kind: "moto" | "ministack";
  readonly environment: Readonly<Record<string, string>>;
  /** The emulator appends to `<kind>.log` in this directory. */
  readonly logDirectory: string;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Starts one emulator and returns when it listens. The emulator ends when its standard input ends: on `stop`, or when
 * this process has ended.
 *
 * @throws BerthError `NoPythonEnvironment`, or `EmulatorFailed` with the tail of its log.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  requirePython();
  const logPath = join(options.logDirectory, `${options.kind}.log`);
  const child = await launch(options, logPath);
  const ended = once(child, "exit").then(() => undefined);
  const socketPath = await readLine(child);
  if (socketPath === undefined) throw await describeFailure(options.kind, logPath);
  letGo(child);
  const stopAll = async () => {
    await stop(child, ended);
    // The emulator removes the folder itself, unless it had to be killed.
    await rm(dirname(socketPath), { recursive: true, force: true });
  };
  return { socketPath, ended, stop: stopAll };
}

async function launch(options: EmulatorOptions, logPath: string): Promise<Child> {
  await mkdir(options.logDirectory, { recursive: true });
  const { PATH = "", HOME = "/", TMPDIR = "/tmp" } = process.env;
  return spawn(pythonPath, [fromRoot("lib/local/emulators/emulator.py"), options.kind, logPath], {
    stdio: ["pipe", "pipe", "ignore"],
    // No other variables of the user's: AWS_*, DOCKER_HOST and proxy settings would change the emulator's behaviour.
    env: { PATH, HOME, TMPDIR, ...options.environment },
    // A process group of its own, because Ctrl-C reaches the whole group and the emulators must run until the current
    // step has ended.
    detached: true,
  });
}

/** The first line of output. Undefined when the process ended without one. */
async function readLine(child: Child): Promise<string | undefined> {
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}

// Doesn't keep this process alive: a test that forgets to stop the emulator can still end, and the emulator then ends
// too.
function letGo(child: Child): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
}

async function stop(child: Child, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  child.stdin.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
  await ended;
  clearTimeout(timer);
}

async function describeFailure(kind: string, logPath: string): Promise<BerthError> {
  const log = await readFile(logPath, "utf8");
  return new BerthError({
    code: "EmulatorFailed",
    message: `the emulator ${kind} ended before it answered`,
    hint: `its log is ${logPath}`,
    detail: log.trimEnd().split("\n").slice(-20),
  });
}
