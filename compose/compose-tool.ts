import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { BerthError } from "../lib/errors.ts";
import { isSystemFailure } from "../lib/system-errors.ts";

export interface ToolRun {
  readonly exitCode: number;
  /** The lines of both streams, in order of arrival. */
  readonly lines: readonly string[];
  readonly stdout: string;
}

/** The real docker-compose, so that the test runs what users run. */
export interface ComposeTool {
  /** What a user types to run it: `docker-compose` or `docker compose`. */
  readonly command: string;
  /** `Docker Compose version 2.26.1-4` */
  readonly version: string;
  /** Versions 1 and 2 differ in what they print, and in its format. */
  readonly major: number;
  run(args: readonly string[], options?: RunOptions): Promise<ToolRun>;
}

interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For what only reads: it is killed after this time, and at once when the signal is aborted. */
  readonly limitMs?: number;
}

/**
 * Finds `docker-compose` (either major version), else the plugin `docker compose`. BERTH_COMPOSE overrides both. Throws
 * `NoComposeTool`.
 */
export async function findComposeTool(): Promise<ComposeTool> {
  const named = process.env["BERTH_COMPOSE"];
  const candidates = named === undefined ? [["docker-compose"], ["docker", "compose"]] : [named.split(" ")];
  for (const command of candidates) {
    const version = await readVersion(command);
    if (version === undefined) continue;
    const major = Number(/(\d+)\.\d/.exec(version)?.[1] ?? 2);
    return {
      command: command.join(" "),
      version,
      major,
      run: (args, options) => runCommand([...command, ...args], options),
    };
  }
  throw new BerthError({
    code: "NoComposeTool",
    message: `no compose tool: tried ${candidates.map((command) => `\`${command.join(" ")}\``).join(" and ")}`,
    hint: "Debian, Ubuntu: `apt-get install docker-compose`; elsewhere install Docker's compose plugin",
  });
}

async function readVersion(command: readonly string[]): Promise<string | undefined> {
  try {
    const { exitCode, lines } = await runCommand([...command, "version"]);
    return exitCode === 0 ? lines[0] : undefined;
  } catch (error) {
    if (isSystemFailure(error, "absent")) return undefined;
    throw error;
  }
}

async function runCommand(command: readonly string[], options: RunOptions = {}): Promise<ToolRun> {
  options.signal?.throwIfAborted();
  const [program = "", ...args] = command;
  // Runs in its own process group, so that Ctrl-C in the terminal reaches only this process, which decides when to end
  // Compose.
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: options.environment ?? process.env,
  });
  const { limitMs } = options;
  // Compose hears no SIGTERM while it unfolds aliases that multiply, or waits for a pipe that it reads as a file.
  const stop = () => void child.kill(limitMs === undefined ? "SIGTERM" : "SIGKILL");
  const late = limitMs === undefined ? undefined : AbortSignal.timeout(limitMs);
  late?.addEventListener("abort", stop, { once: true });
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    const lines: string[] = [];
    const stdout: string[] = [];
    createInterface(child.stdout).on("line", (line) => {
      stdout.push(line);
      lines.push(line);
    });
    createInterface(child.stderr).on("line", (line) => lines.push(line));
    const [code] = await once(child, "close");
    options.signal?.throwIfAborted();
    if (late?.aborted === true) lines.push(`it took longer than ${Number(limitMs) / 1000} s, and was ended`);
    return { exitCode: typeof code === "number" ? code : 1, lines, stdout: stdout.join("\n") };
  } finally {
    options.signal?.removeEventListener("abort", stop);
    late?.removeEventListener("abort", stop);
  }
}
