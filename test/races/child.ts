import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { scriptArguments } from "../script.ts";
import type { Cli } from "../strict-aws/cli.ts";

export interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<{
    readonly exitCode: number | null;
    readonly error: Told;
    readonly output: string;
  }>;
}

/** The failure as the user sees it. */
interface Told {
  readonly code?: string;
  readonly message?: string;
}

export interface ChildOptions {
  readonly waitSeconds?: number;
  readonly clockOffByMs?: number;
  /** The duration of the lease, if not the usual one. */
  readonly leaseSeconds?: number;
}

/** Runs `up` in a separate process, which can receive signals and can have a wrong clock. */
export function startUp({ config, environment }: Cli, options: ChildOptions = {}): Child {
  const { waitSeconds = 0, clockOffByMs, leaseSeconds } = options;
  const lease = leaseSeconds === undefined ? {} : { BERTH_LEASE_SECONDS: String(leaseSeconds) };
  const clock = clockOffByMs === undefined ? [] : ["test/races/clock.ts"];
  const flags = ["--config", config, "--yes", "--json", "--wait", String(waitSeconds)];
  const child = spawn(process.execPath, [...scriptArguments("provision/up.ts", clock), ...flags], {
    env: { ...environment, ...lease, CLOCK_OFF_BY_MS: String(clockOffByMs ?? 0) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { process: child, ended: read(child) };
}

async function read(child: ChildProcess) {
  if (child.stdout === null) throw new TypeError("A command without its output");
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const line = output.split("\n").find((one) => one.includes('"event":"error"'));
  const error: Told = line === undefined ? {} : JSON.parse(line);
  return { exitCode: child.exitCode, error, output };
}
