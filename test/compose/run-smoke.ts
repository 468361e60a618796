import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { scriptArguments } from "../script.ts";

const eventShape = z.looseObject({
  event: z.string(),
  code: z.string().optional(),
  message: z.string().optional(),
  hint: z.string().optional(),
  resource: z.string().optional(),
  detail: z.array(z.string()).optional(),
  between: z.string().optional(),
  name: z.string().optional(),
  outcome: z.string().optional(),
  seen: z.string().optional(),
  text: z.string().optional(),
  project: z.string().optional(),
});
type SmokeEvent = z.infer<typeof eventShape>;

export interface SmokeRun {
  readonly exitCode: number | null;
  readonly events: readonly SmokeEvent[];
  readonly errors: readonly SmokeEvent[];
  readonly checks: readonly SmokeEvent[];
  readonly summary: SmokeEvent;
}

/** Starts the smoke test as a user does, and returns the process. */
export const startSmoke = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
  spawn(process.execPath, [...scriptArguments("compose/smoke.ts"), ...args], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });

/** Runs the smoke test to its end and reads its events. */
export async function runSmoke(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<SmokeRun> {
  const child = startSmoke(["--json", ...args], environment);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => eventShape.parse(JSON.parse(line)));
  const summary = events.at(-1);
  if (summary?.event !== "summary") throw new Error(`no summary at the end:\n${stdout}\n${stderr}`);
  return {
    exitCode: typeof exitCode === "number" ? exitCode : null,
    events,
    errors: events.filter(({ event }) => event === "error"),
    checks: events.filter(({ event }) => event === "check"),
    summary,
  };
}
