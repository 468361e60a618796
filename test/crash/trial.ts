import { setTimeout as sleep } from "node:timers/promises";
import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { parseRelease, releaseKey } from "../../lib/release/document.ts";
import { stackNames } from "../../lib/stack.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { stateKey } from "../../state/store.ts";
import type { Bench } from "./bench.ts";
import type { Holding } from "./holding.ts";
import { takeInventory } from "./inventory.ts";
import { openCalls, Recording, type CrashPoint, type Recorded } from "./points.ts";
import type { Runner } from "./process.ts";
import { lastUntilRenewed } from "./renewal.ts";
import type { Order } from "./runner.ts";
import type { Scenario } from "./scenarios.ts";

/** Problems after a run. All empty when the account is as an undisturbed run leaves it. */
export interface Findings {
  /** Resources that belong to nobody, or should have been deleted. */
  readonly orphans: readonly string[];
  readonly duplicates: readonly string[];
  /** Anything else that went wrong. */
  readonly troubles: readonly string[];
}

/** The calls of an undisturbed run, and the account after it. */
export interface Undisturbed {
  readonly writes: readonly Recorded[];
  readonly holdings: readonly Holding[];
}

export const isGood = ({ orphans, duplicates, troubles }: Findings): boolean =>
  orphans.length + duplicates.length + troubles.length === 0;

/** Runs the scenario without disturbance and records it. */
export async function record(bench: Bench, scenario: Scenario): Promise<Undisturbed> {
  const recording = new Recording(await readState(bench));
  const off = bench.aws.on((point) => void recording.see(point));
  const lasting = lastUntilRenewed(bench, scenario);
  try {
    await runToEnd(bench, scenario, lasting.environment);
  } finally {
    lasting.end();
    off();
  }
  return { writes: recording.writes, holdings: await takeStock(bench) };
}

/** Kills the run at the point and has another run finish the work. `isKilled` is false when the run ended before the point. */
export async function tryPoint(
  bench: Bench,
  point: CrashPoint,
  undisturbed: Undisturbed,
): Promise<Findings & { readonly isKilled: boolean }> {
  const isKilled = await killAt(bench, point);
  return { isKilled, ...(await finish(bench, point.scenario, undisturbed)) };
}

/** Runs the scenario to its end and then reads directly from AWS what exists. */
export async function finish(bench: Bench, scenario: Scenario, undisturbed: Undisturbed): Promise<Findings> {
  try {
    await runToEnd(bench, scenario);
  } catch (error) {
    return {
      orphans: [],
      duplicates: [],
      troubles: [error instanceof Error ? error.message : String(error)],
    };
  }
  return judge(bench.cli.stack, await takeStock(bench), undisturbed.holdings);
}

export async function runToEnd(
  bench: Bench,
  { command, settings, words = [] }: Scenario,
  environment: Order["environment"] = {},
): Promise<void> {
  await bench.configure(settings);
  const done = await bench.steady.run({ ...bench.order(command, ...words), environment });
  if (done?.exitCode === 0) return;
  const told = (done?.output ?? "").trimEnd().split("\n").slice(-6);
  throw new Error([`${command} ended with ${done?.exitCode ?? "no exit code"}`, ...told].join("\n    "));
}

export async function killAt(bench: Bench, point: CrashPoint): Promise<boolean> {
  const { scenario } = point;
  await bench.configure(scenario.settings);
  const victim = await bench.victim();
  const off = bench.aws.on(strike(bench, victim, { point, before: await readState(bench) }));
  const lasting = lastUntilRenewed(bench, scenario);
  const done = await victim.run({
    ...bench.order(scenario.command, ...(scenario.words ?? [])),
    environment: lasting.environment,
  });
  lasting.end();
  // Calls that were under way at the kill continue to their end, as they would in AWS.
  while (openCalls(bench.aws.calls).length > 0) await sleep(5);
  off();
  await victim.kill();
  return done === undefined;
}

interface Aim {
  readonly point: CrashPoint;
  /** The state before the run. */
  readonly before: string | undefined;
}

function strike({ aws }: Bench, victim: Runner, { point, before }: Aim) {
  const { operation, ordinal, stage } = point;
  const recording = new Recording(before);
  return async (reached: Parameters<Recording["see"]>[0]) => {
    const seen = recording.see(reached);
    const isHere = seen.some((one) => one.operation === operation && one.ordinal === ordinal);
    if (!isHere) return undefined;
    // Otherwise the run could continue, perhaps to its end, before it is killed after the reply.
    const isReplyNext = stage === "answered" && reached.stage === "decided" && (reached.status ?? 200) < 400;
    if (isReplyNext) victim.freeze();
    if (reached.stage !== stage) return undefined;
    await victim.kill();
    aws.cutAll();
    return "cut" as const;
  };
}

/** Everything in the account, and the release that the hosts are to serve. */
async function takeStock(bench: Bench): Promise<Holding[]> {
  const [held, body] = await Promise.all([takeInventory(bench.bare), readObject(bench, releaseKey)]);
  if (body === undefined) return held;
  // How often it was published is no matter.
  const { number, environment, rolledBack } = parseRelease(body, releaseKey);
  const setup = [environment, rolledBack?.to];
  return [...held, { kind: "release", id: String(number), owner: bench.cli.stack, setup }];
}

const readState = (bench: Bench): Promise<string | undefined> => readObject(bench, stateKey);

async function readObject({ bare, cli }: Bench, key: string): Promise<string | undefined> {
  const { bucket } = stackNames(cli, localAccount);
  const store = openS3Store({ client: bare.s3, bucket, account: localAccount });
  return (await store.get(key))?.body;
}

// The emulator ignores the tags in RunInstances for the network interface.
const untagged = new Set(["network-interface"]);

/** Compares the account with what an undisturbed run leaves. */
export function judge(stack: string, found: readonly Holding[], wanted: readonly Holding[]): Findings {
  const orphans = found
    .filter(({ kind, owner }) => owner !== stack && !untagged.has(kind))
    .map(({ kind, id }) => `${kind} ${id} without tags`);
  const duplicates: string[] = [];
  const troubles: string[] = [];
  for (const kind of new Set([...found, ...wanted].map((one) => one.kind))) {
    const of = (list: readonly Holding[]) => list.filter((one) => one.kind === kind);
    const [here, there] = [of(found), of(wanted)];
    if (there.length === 0) orphans.push(...here.map(({ id }) => `${kind} ${id} is left`));
    else if (here.length > there.length) duplicates.push(`${here.length} of ${kind}`);
    else if (here.length < there.length) troubles.push(`no ${kind}`);
    else if (setups(here) !== setups(there))
      troubles.push(`${kind} is ${setups(here)} instead of ${setups(there)}`);
  }
  return { orphans, duplicates, troubles };
}

const setups = (holdings: readonly Holding[]): string =>
  JSON.stringify(holdings.map(({ setup }) => JSON.stringify(setup)).toSorted());
