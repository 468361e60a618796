import { appendFile, cp, readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { exitCodes } from "../lib/errors.ts";
import { fromRoot } from "../lib/paths.ts";
import { printNote, printText } from "../lib/report/terminal.ts";
import { runScript, type ScriptContext } from "../setup/script.ts";
import { type Finished, requireExit } from "../test/commands/command-line.ts";
import { type Home, Stack } from "../test/commands/stack.ts";
import { type Answer, loadDuring, lossText } from "../test/host/load.ts";
import { openCompiledHome, runOnHost } from "./booted-host.ts";

const help = `releases: what clients notice of releases and rollbacks in a row

Usage: node --import tsx bench/releases.ts

A host boots on an embedded AWS, with an app in Go that answers at once, and a certificate. Eight clients ask by HTTPS all
the while, four on connections that they keep and four on a new one each time, while berth up and berth rollback do their
work: ten releases and three rollbacks with one image, which is on the host, then a release with another image, and a
rollback whose image has to be pulled again, because the host's was removed. Anything but a 200 is lost.
`;

const releases = 10;
const rollbacks = 3;
const pauseMs = 20;

interface Step {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const configure = (stack: Stack, source: string, release: number): Promise<void> =>
  stack.configure({
    source,
    isSecure: true,
    lines: [`  environment: { RELEASE: "${release}" }`, "edge: { drainSeconds: 5 }"],
  });

async function shipAll(home: Home, stack: Stack, source: string, signal: AbortSignal): Promise<Step[]> {
  const steps: Step[] = [];
  const take = async (name: string, work: () => Promise<Finished>) => {
    signal.throwIfAborted();
    const fromMs = performance.now();
    requireExit(await work(), exitCodes.done);
    steps.push({ name, fromMs, toMs: performance.now() });
    printNote(`${name}: ${seconds(steps.at(-1))} s`);
  };
  for (let release = 2; release < 2 + releases; release += 1) {
    await configure(stack, source, release);
    await take(`release ${release}`, () => stack.up());
  }
  for (let back = 1; back <= rollbacks; back += 1)
    await take(`rollback to ${1 + releases - back}`, () => stack.rollback());
  await appendFile(join(source, "main.go"), '\nfunc init() { println("another image") }\n');
  await take("release with another image", () => stack.up());
  await removeImages(home);
  await take("rollback, image pulled again", () => stack.rollback());
  return steps;
}

/** All images of the host that no container uses. */
async function removeImages(home: Home): Promise<void> {
  printNote(await runOnHost(home, "docker image prune --all --force"));
}

const seconds = (step: Step | undefined): string =>
  step === undefined ? "" : ((step.toMs - step.fromMs) / 1000).toFixed(1);

function rowOf(name: string, took: string, answers: readonly Answer[]): string {
  const slowest = answers.reduce((most, { durationMs }) => Math.max(most, durationMs), 0);
  const cells = [name, took, answers.length, lossText(answers)];
  return `| ${[...cells, `${slowest.toFixed(0)} ms`].join(" | ")} |`;
}

async function bench(_asked: undefined, { signal }: ScriptContext): Promise<number> {
  const loadBefore = loadavg()[0]?.toFixed(1);
  await using home = await openCompiledHome();
  const stack = new Stack(home, "releases");
  const source = join(home.directory, "app");
  await cp(fromRoot("test/apps/go-modules"), source, { recursive: true });
  await configure(stack, source, 1);
  const first = await stack.up();
  requireExit(first, exitCodes.done);
  const url = String(first.summary["url"]);
  const ca = await readFile(join(home.directory, "local/web-authority.pem"), "utf8");
  const shipping = () => shipAll(home, stack, source, signal);
  const { answers, result: steps } = await loadDuring({ url, ca, pauseMs }, shipping);
  requireExit(await stack.down(), exitCodes.done);
  const within = ({ fromMs, toMs }: Step) => answers.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const rows = steps.map((step) => rowOf(step.name, `${seconds(step)} s`, within(step)));
  const [from, to] = [steps[0]?.fromMs ?? 0, steps.at(-1)?.toMs ?? 0];
  printText(
    [
      "| step | command took | requests | lost | slowest answer |",
      "| --- | --- | --- | --- | --- |",
      ...rows,
      rowOf("in all", `${((to - from) / 1000).toFixed(0)} s`, answers),
      "",
      `By ${new URL(url).protocol.slice(0, -1)}, eight clients; ${cpus().length} processors, load average ${loadBefore} before.`,
    ].join("\n"),
  );
  return answers.every(({ said }) => said === "200") ? exitCodes.done : exitCodes.failed;
}

function parse(args: readonly string[]): undefined {
  if (args.length > 0) throw new TypeError(`it takes no arguments, and got ${args.join(" ")}`);
}

await runScript({ invocation: "node --import tsx bench/releases.ts", help, parse, run: bench });
