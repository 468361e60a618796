import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { root } from "../../lib/paths.ts";
import { scriptArguments } from "../script.ts";

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every event in order, with --json. */
  readonly events: readonly Record<string, unknown>[];
  readonly summary: Record<string, unknown>;
}

export interface CommandLineOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of another copy of Berth, to run that from its source. */
  readonly tree?: string;
  /** Called with each event as it arrives, and with a function that sends the process a signal. */
  readonly onEvent?: (event: Record<string, unknown>, kill: (signal: NodeJS.Signals) => void) => void;
}

/**
 * Runs one of Berth's scripts as a user does: in its own process, without a terminal and without this process's AWS
 * settings.
 */
export async function runScript(
  script: string,
  args: readonly string[],
  options: CommandLineOptions = {},
): Promise<Finished> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  const { tree } = options;
  const program = tree === undefined ? scriptArguments(script) : ["--import", "tsx", join(tree, script)];
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: tree ?? root,
    env: { ...Object.fromEntries(inherited), AWS_EC2_METADATA_DISABLED: "true", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stderr = text(child.stderr);
  const lines: string[] = [];
  const events: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!args.includes("--json")) continue;
    const event: Record<string, unknown> = JSON.parse(line);
    events.push(event);
    options.onEvent?.(event, (signal) => child.kill(signal));
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  return {
    exitCode: child.exitCode,
    stdout: lines.map((line) => `${line}\n`).join(""),
    stderr: await stderr,
    events,
    summary: events.at(-1) ?? {},
  };
}

/** Fails with the command's whole output when the exit code differs. */
export function requireExit(run: Finished, exitCode: number): void {
  assert.equal(run.exitCode, exitCode, `${run.stdout}\n${run.stderr}`);
}

/** The number of write calls to all services, from the summary. */
export function writesOf({ summary }: Finished): unknown {
  const calls: unknown = summary["calls"];
  return typeof calls === "object" && calls !== null && "write" in calls ? calls.write : undefined;
}
