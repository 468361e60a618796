import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { prepare } from "../../setup/prepare.ts";
import { parseCount, runScript, type ScriptContext } from "../../setup/script.ts";
import { bundleRunner } from "../crash/bundle.ts";
import { parseSeeds } from "./seeds.ts";
import { type Done, type Failure, type Outcome, runTrial } from "./trial.ts";

const help = `soak: random operations on a stack that must be one of everything after each of them

Usage: npm run soak -- [options]

  --seed N         decides everything that is drawn: 7, 1,2,3 or 1..10 (random, and printed)
  --operations N   how many of each seed (50)
  --benches N      how many seeds at once, each with an AWS of its own (1)
  --json           one JSON object an operation on stdout, and one a seed
  --help           this text

Configuration is changed, the app released, resources changed and deleted behind Berth's back, state lost, runs killed,
calls throttled and cut off, S3 taken away. Then up has to finish, plan has to find nothing to do, and AWS has to hold
exactly one of everything. In the end down has to leave nothing.
Exit codes: 0 all converged, 1 not all, 3 bad arguments, 130 interrupted.
`;

interface Asked {
  readonly seeds: readonly number[];
  readonly operations: number;
  readonly benches: number;
  readonly json: boolean;
}

function parse(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      operations: { type: "string", default: "50" },
      benches: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
    },
  });
  return {
    seeds: parseSeeds(values.seed),
    operations: parseCount("--operations", values.operations),
    benches: parseCount("--benches", values.benches),
    json: values.json,
  };
}

async function soak(asked: Asked, { phases, signal }: ScriptContext): Promise<number> {
  const { seeds, operations, benches } = asked;
  process.stderr.write(`seeds ${seeds.join(", ")}; ${operations} operations each\n`);
  await prepare({ engine: false, compose: false, images: [] }, phases);
  const directory = await mkdtemp(join(tmpdir(), "berth-soak-"));
  const waiting = [...seeds];
  const outcomes: Outcome[] = [];
  try {
    const script = await bundleRunner(directory);
    const work = async () => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift())
        outcomes.push(await trySeed(seed, { ...asked, script, signal }));
    };
    const works = await Promise.allSettled(Array.from({ length: benches }, work));
    for (const one of works) if (one.status === "rejected") throw one.reason;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return outcomes.every(({ failure }) => failure === undefined) ? 0 : 1;
}

interface Means extends Asked {
  readonly script: string;
  readonly signal: AbortSignal;
}

async function trySeed(seed: number, { operations, json, script, signal }: Means): Promise<Outcome> {
  const onDone = (done: Done) => {
    const place = `${seed}: ${String(done.number).padStart(3)}/${operations}`;
    const text = `${place} ${(done.durationMs / 1000).toFixed(1).padStart(5)} s  ${done.text}`;
    if (json) process.stdout.write(`${JSON.stringify(done)}\n`);
    else process.stderr.write(`${text}\n`);
  };
  const outcome = await runTrial({ seed, operations, script, signal, onDone });
  process.stdout.write(`${json ? JSON.stringify(outcome) : outcomeText(outcome)}\n`);
  if (outcome.failure !== undefined && !json) process.stderr.write(failureText(outcome, outcome.failure));
  return outcome;
}

function outcomeText(outcome: Outcome): string {
  const { seed, operations, converged, orphans, duplicates, census = "not taken", durationMs } = outcome;
  const seconds = Math.round(durationMs / 1000);
  return `seed ${seed}: ${operations} operations, ${converged} converged, ${orphans} orphans, ${duplicates} duplicates, census ${census} (${seconds} s)`;
}

function failureText({ seed, operations }: Outcome, failure: Failure): string {
  return [
    `seed ${seed} failed at operation ${failure.number}: ${failure.message}`,
    ...failure.operations.map((text, index) => `  ${String(index + 1).padStart(3)} ${text}`),
    ...failure.runs,
    `again: npm run soak -- --seed ${seed} --operations ${Math.min(failure.number, operations)}`,
    "",
  ].join("\n");
}

await runScript({ invocation: "npm run soak --", help, parse, run: soak });
