import { setTimeout as sleep } from "node:timers/promises";
import type { Hook } from "../strict-aws/hooks.ts";
import type { Bench } from "../crash/bench.ts";
import { openCalls, operationOf } from "../crash/points.ts";
import type { Done, Order } from "../crash/runner.ts";
import type { Strike, Trouble } from "./operations.ts";

/** How a run ended. */
export interface Ran {
  readonly command: string;
  /** Absent when the run was killed. */
  readonly exitCode: number | undefined;
  /** The events of `--json`; a killed run has none. */
  readonly lines: readonly string[];
  /** `killed at ec2:CreateVpc`. Absent when nothing happened to it that could keep it from its end. */
  readonly disturbance?: string;
}

/** Runs a command while the trouble lasts. A run that is to be killed twice is started twice. */
export async function run(bench: Bench, order: Order, trouble: Trouble = { kind: "none" }): Promise<Ran> {
  if (trouble.kind === "faults") return runThroughFaults(bench, order, trouble);
  if (trouble.kind === "outage") return runThroughOutage(bench, order, trouble);
  if (trouble.kind === "kill") return runKilled(bench, order, trouble);
  return runSteady(bench, order);
}

type Of<K extends Trouble["kind"]> = Extract<Trouble, { readonly kind: K }>;

async function runSteady(bench: Bench, order: Order): Promise<Ran> {
  return ranOf(order, await bench.steady.run(order));
}

function ranOf({ command }: Order, done: Done | undefined): Ran {
  const lines = (done?.output ?? "").split("\n").filter((line) => line !== "");
  return { command, exitCode: done?.exitCode, lines };
}

async function runThroughFaults(bench: Bench, order: Order, { part, faults }: Of<"faults">): Promise<Ran> {
  const planned = bench.aws.faults.share(part, "*", faults);
  try {
    return await runSteady(bench, order);
  } finally {
    planned.stop();
  }
}

async function runThroughOutage(bench: Bench, order: Order, { write }: Of<"outage">): Promise<Ran> {
  const { aws } = bench;
  let disturbance = {};
  const begin = (operation: string) => {
    disturbance = { disturbance: `S3 out after ${operation}` };
    aws.faults.always("s3:*", "503");
  };
  const off = aws.on(atWrite({ write, stage: "decided" }, begin));
  try {
    return { ...(await runSteady(bench, order)), ...disturbance };
  } finally {
    off();
    aws.faults.clear();
  }
}

async function runKilled(bench: Bench, order: Order, { strikes }: Of<"kill">): Promise<Ran> {
  const [strike, ...more] = strikes;
  if (strike === undefined) throw new TypeError("A run that is to be killed nowhere");
  const ran = await runUntil(bench, order, strike);
  if (ran.disturbance === undefined || more.length === 0) return ran;
  return runKilled(bench, order, { kind: "kill", strikes: more });
}

async function runUntil(bench: Bench, order: Order, strike: Strike): Promise<Ran> {
  const { aws } = bench;
  const victim = await bench.victim();
  let disturbance = {};
  const kill = async (operation: string) => {
    disturbance = { disturbance: `killed at ${operation}` };
    await victim.kill();
    aws.cutAll();
    return "cut" as const;
  };
  const off = aws.on(atWrite(strike, kill));
  const done = await victim.run(order);
  // Calls that were under way at the kill continue to their end, as they would in AWS.
  while (openCalls(aws.calls).length > 0) await sleep(5);
  off();
  await victim.kill();
  return { ...ranOf(order, done), ...disturbance };
}

/** Acts once, when the n-th write call reaches the stage. */
function atWrite({ write, stage: wanted }: Strike, act: (operation: string) => ReturnType<Hook>): Hook {
  let arrived = 0;
  let number: number | undefined;
  return ({ stage, call }) => {
    if (stage === "arrived" && call.kind === "write") {
      arrived += 1;
      if (arrived === write) number = call.number;
    }
    return stage === wanted && call.number === number ? act(operationOf(call)) : undefined;
  };
}
