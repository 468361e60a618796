import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** With --json: every event in order. */
  readonly events: readonly Record<string, unknown>[];
  readonly summary: Record<string, unknown>;
}

export interface CommandLineOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the running process, to send it signals. */
  readonly whileRunning?: (child: ReturnType<typeof spawn>) => void;
}

/** Runs one of Berth's scripts as a user does: its own process, no terminal, nothing of this one's AWS settings. */
export async function runScript(
  script: string,
  args: readonly string[],
  options: CommandLineOptions = {},
): Promise<Finished> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), AWS_EC2_METADATA_DISABLED: "true", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  options.whileRunning?.(child);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const events = args.includes("--json") ? parseEvents(stdout) : [];
  return { exitCode: child.exitCode, stdout, stderr, events, summary: events.at(-1) ?? {} };
}

function parseEvents(stdout: string): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Record<string, unknown> => JSON.parse(line));
}
