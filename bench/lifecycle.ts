import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes } from "../lib/errors.ts";
import { printText } from "../lib/report/terminal.ts";
import { bundle, commands } from "../setup/compile/bundle.ts";
import { parseCount, runScript } from "../setup/script.ts";
import { noRules } from "../test/strict-aws/rules.ts";
import { startStrictAws } from "../test/strict-aws/strict-aws.ts";
import { type Cli, type Ended, openCli } from "../test/strict-aws/cli.ts";

const help = `lifecycle: how long up, an unchanged plan, one changed field and down take, at a given time a call

Usage: node --import tsx bench/lifecycle.ts [runs]

Each command is a process of its own, compiled as npm run does it, timed whole. AWS is moto and ministack behind a
loopback proxy that adds the time to each call; the host is stood in for, and answers at once: a real boot comes on top
of the first up.
`;

const latenciesMs = [0, 150];
const steps = ["first up", "unchanged plan", "unchanged up", "one field", "down"] as const;

interface Timed {
  readonly step: string;
  readonly latencyMs: number;
  readonly seconds: number;
  readonly reads: number;
  readonly writes: number;
}

async function measure(latencyMs: number): Promise<Timed[]> {
  const directory = await mkdtemp(join(tmpdir(), "berth-bench-"));
  // No rules of AWS's behaviour: they add polls, and AWS's own delays are not to be measured here.
  await using aws = await startStrictAws({ logDirectory: directory, ecr: true, rules: noRules });
  await using cli = await openCli({ aws, directory, stack: "bench" });
  if (latencyMs > 0) aws.faults.always("*", { latencyMs });
  const timed: Timed[] = [];
  for (const step of steps) {
    const startedMs = performance.now();
    const { summary, exitCode, stderr } = await perform(step, cli);
    const seconds = (performance.now() - startedMs) / 1000;
    if (summary === undefined) throw new Error(`${step} ended with ${exitCode}: ${stderr}`);
    timed.push({ step, latencyMs, seconds, reads: summary.calls.read, writes: summary.calls.write });
  }
  await rm(directory, { recursive: true, force: true });
  return timed;
}

async function perform(step: (typeof steps)[number], cli: Cli): Promise<Ended> {
  if (step === "unchanged plan") return cli.run("plan");
  if (step === "down") return cli.run("down", "--yes");
  if (step === "one field") {
    const from = ["10.0.0.0/8", "127.0.0.0/8"];
    await cli.configure({ ingress: [{ port: 80, from }] });
  }
  return cli.run("up", "--yes");
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function parse([runs = "3", ...others]: readonly string[]): number {
  if (others.length > 0) throw new TypeError(`it takes one argument, and got ${others.length + 1}`);
  return parseCount("runs", runs);
}

async function bench(runs: number): Promise<number> {
  const compiled = await mkdtemp(join(tmpdir(), "berth-bench-"));
  await bundle(commands, compiled);
  process.env["BERTH_BUNDLE"] = compiled;
  const all: Timed[] = [];
  for (let run = 0; run < runs; run += 1) {
    for (const latencyMs of latenciesMs) all.push(...(await measure(latencyMs)));
  }
  await rm(compiled, { recursive: true, force: true });
  const rows = steps.map((step) => {
    const own = all.filter((one) => one.step === step);
    const at = latenciesMs.map((ms) =>
      median(own.filter(({ latencyMs }) => latencyMs === ms).map(({ seconds }) => seconds)),
    );
    const { reads = 0, writes = 0 } = own[0] ?? {};
    return `| ${step} | ${at.map((seconds) => `${seconds.toFixed(1)} s`).join(" | ")} | ${reads + writes} (${writes} writes) |`;
  });
  const head = [
    `| medians of ${runs} | ${latenciesMs.map((ms) => `${ms} ms a call`).join(" | ")} | calls |`,
    "| --- | --- | --- | --- |",
  ];
  printText([...head, ...rows].join("\n"));
  return exitCodes.done;
}

await runScript({ invocation: "node --import tsx bench/lifecycle.ts", help, parse, run: bench });
