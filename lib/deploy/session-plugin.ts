import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { text } from "node:stream/consumers";
import { BerthError, exitCodes } from "../errors.ts";
import type { HeldSignals } from "./held-signals.ts";

const name = "session-manager-plugin";
const instructions =
  "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html";
/** Older ones take the session's token as an argument alone, where the list of processes shows it. */
const lastWithoutVariable = "1.2.497.0";
const variable = "AWS_SSM_START_SESSION_RESPONSE";

/** @throws BerthError `NoSessionPlugin` */
export async function requirePlugin(): Promise<void> {
  const version = await readVersion();
  if (version === undefined) throw noPlugin(`${name} isn't on the PATH`);
  if (!/^\d+(\.\d+){1,3}$/.test(version)) throw noPlugin(`${name} doesn't say its version, but "${version}"`);
  if (!isLater(version, lastWithoutVariable))
    throw noPlugin(`${name} is version ${version}, and would show the session's token to all users here`);
}

function noPlugin(why: string): BerthError {
  return new BerthError({
    code: "NoSessionPlugin",
    message: `${why}; a shell needs AWS's plugin, newer than ${lastWithoutVariable}`,
    hint: `install it: ${instructions}`,
    exitCode: exitCodes.badInput,
  });
}

async function readVersion(): Promise<string | undefined> {
  const child = spawn(name, ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    return said.trim().slice(0, 100);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isLater(version: string, other: string): boolean {
  const [ours, theirs] = [version, other].map((one) => one.split(".").map(Number));
  const at = theirs?.findIndex((part, index) => part !== (ours?.[index] ?? 0)) ?? -1;
  return at >= 0 && (ours?.[at] ?? 0) > (theirs?.[at] ?? 0);
}

/** What AWS answered. */
interface StartedSession {
  readonly SessionId: string;
  readonly TokenValue: string;
  readonly StreamUrl: string;
}

export interface PluginInput {
  readonly started: StartedSession;
  readonly region: string;
  /** What the session was asked for with. */
  readonly asked: object;
  /** The URL of SSM. */
  readonly endpoint: string;
}

/**
 * Gives the plugin the terminal, as the AWS CLI does, and waits for its end. Returns its exit code. The session's token is
 * in a variable: arguments can be read by every user of this computer.
 */
export async function runPlugin(
  { started, region, asked, endpoint }: PluginInput,
  signals: HeldSignals,
): Promise<number> {
  if (signals.asked()) return exitCodes.interrupted;
  const child = spawn(name, [variable, region, "StartSession", "", JSON.stringify(asked), endpoint], {
    stdio: "inherit",
    env: { ...process.env, [variable]: JSON.stringify(started) },
  });
  signals.onAsked((signal) => void child.kill(signal));
  const [code, signal]: [number | null, NodeJS.Signals | null] = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...how) => resolve(how));
  });
  if (signals.asked()) return exitCodes.interrupted;
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
