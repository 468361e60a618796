import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { prepare } from "../../setup/prepare.ts";
import { parseCount, runScript, type ScriptContext } from "../../setup/script.ts";
import { describePoint } from "./points.ts";
import { runMatrix, type Result } from "./matrix.ts";

const help = `crash-matrix: kills runs at every point of every call that changes something, and lets the next run finish

Usage: npm run crash-matrix -- [options]

  --only PATTERN   points whose name matches this regular expression, such as "replace" or "RunInstances"
  --benches N      how many at once, each with an AWS of its own (two more than there are processors)
  --json           one JSON object a point on stdout, and a last one with the sums
  --help           this text

A point is a call and how far it has come: before it, after its effect but before its reply, after its reply. The run is
killed there by SIGKILL; then the same command has to finish, AWS has to hold exactly what an undisturbed run leaves,
and down has to leave nothing. The last line says how many did.
Exit codes: 0 all converged, 1 not all, 3 bad arguments.
`;

interface Sums {
  readonly points: number;
  readonly converged: number;
  readonly orphans: number;
  readonly duplicates: number;
  readonly missed: number;
}

function sumUp(results: readonly Result[]): Sums {
  return {
    points: results.length,
    converged: results.filter(({ verdict }) => verdict === "converged").length,
    orphans: results.flatMap(({ orphans }) => orphans).length,
    duplicates: results.flatMap(({ duplicates }) => duplicates).length,
    missed: results.filter(({ verdict }) => verdict === "missed").length,
  };
}

function rowOf({ point, verdict, durationMs, orphans, duplicates, troubles }: Result): string {
  const details = [...orphans, ...duplicates, ...troubles].map((one) => `\n    ${one}`).join("");
  return `${verdict.padEnd(10)} ${(durationMs / 1000).toFixed(1).padStart(5)} s  ${point}${details}`;
}

interface Asked {
  readonly only: RegExp;
  readonly benches: number;
  readonly json: boolean;
}

function parse(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: "" },
      benches: { type: "string", default: String(availableParallelism() + 2) },
      json: { type: "boolean", default: false },
    },
  });
  return {
    only: new RegExp(values.only),
    benches: parseCount("--benches", values.benches),
    json: values.json,
  };
}

async function run({ only, benches, json }: Asked, { phases, signal }: ScriptContext): Promise<number> {
  let total = 0;
  let done = 0;
  const startedMs = performance.now();
  await prepare({ engine: false, compose: false, images: [] }, phases);
  const results = await runMatrix({
    benches,
    signal,
    choose: (points) => points.filter((point) => only.test(describePoint(point))),
    onStart: (count) => {
      total = count;
      process.stderr.write(`${count} points\n`);
    },
    onResult: (result) => {
      done += 1;
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else process.stderr.write(`${String(done).padStart(4)}/${total} ${rowOf(result)}\n`);
    },
  });
  const sums = { ...sumUp(results), durationMs: Math.round(performance.now() - startedMs) };
  process.stdout.write(json ? `${JSON.stringify(sums)}\n` : tableOf(results, sums));
  const { points, converged, orphans, duplicates } = sums;
  return points > 0 && converged === points && orphans + duplicates === 0 ? 0 : 1;
}

function tableOf(results: readonly Result[], sums: Sums & { readonly durationMs: number }): string {
  const { points, converged, orphans, duplicates, missed, durationMs } = sums;
  const rows = results.map(rowOf);
  const seconds = `${Math.round(durationMs / 1000)} s`;
  return [
    ...rows,
    missed === 0 ? seconds : `${seconds}; ${missed} of the points were not met`,
    `${points} points, ${converged} converged, ${orphans} orphans, ${duplicates} duplicates`,
    "",
  ].join("\n");
}

await runScript({ invocation: "npm run crash-matrix --", help, parse, run });
