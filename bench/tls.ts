import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connectDocker } from "../lib/docker/connection.ts";
import { exitCodes } from "../lib/errors.ts";
import { fromRoot } from "../lib/paths.ts";
import { printText } from "../lib/report/terminal.ts";
import { parseCount, runScript, type ScriptContext } from "../setup/script.ts";
import { edgeDefaults, type HostRig, openHostRig } from "../test/host/host-rig.ts";
import { type LoadGenerator, startLoadGenerator, type Way } from "./load-generator.ts";

const help = `tls: requests per second, latency, processor time and memory of the edge, with TLS and without

Usage: node --import tsx bench/tls.ts [rounds]

One host boots as in the tests, with an app in Go that answers at once. wrk asks from within the host's network, and takes
its share of the same processors. HTTP and HTTPS take turns. The times of answers begin when the connection stands.
`;

const clients = 32;
const seconds = 10;
const ways: readonly Way[] = (["kept", "new"] as const).flatMap((connections) => [
  { scheme: "http", connections },
  { scheme: "https", connections },
]);

interface Measured {
  readonly way: Way;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the edge for a thousand requests. */
  readonly processorMs: number;
  /** The most memory that the edge had meanwhile. */
  readonly memoryMib: number;
}

/** The edge's own processes: the master and its workers. Memory that they share counts once. */
const readEdge = `
  pids="$(cat /run/nginx.pid) $(pgrep -P "$(cat /run/nginx.pid)")"
  for pid in $pids; do cat /proc/$pid/smaps_rollup; done | awk '$1 == "Pss:" { kib += $2 } END { print kib }'
  for pid in $pids; do cat /proc/$pid/stat; done | awk '{ ticks += $14 + $15 } END { print ticks * 10 }'`;

async function lookAtEdge(rig: HostRig): Promise<{ memoryMib: number; processorMs: number }> {
  const [kib, processorMs] = (await rig.run(readEdge)).split("\n").map(Number);
  return { memoryMib: (kib ?? Number.NaN) / 1024, processorMs: processorMs ?? Number.NaN };
}

async function measure(rig: HostRig, generator: LoadGenerator, way: Way): Promise<Measured> {
  const before = await lookAtEdge(rig);
  let { memoryMib } = before;
  const over = new AbortController();
  const sending = generator
    .send(way, { host: new URL(rig.url).hostname, clients, seconds })
    .finally(() => over.abort());
  const watch = async () => {
    while (!over.signal.aborted) {
      await sleep(1000);
      memoryMib = Math.max(memoryMib, (await lookAtEdge(rig)).memoryMib);
    }
  };
  const [load] = await Promise.all([sending, watch()]);
  if (load.failed > 0)
    throw new Error(`${load.failed} of ${load.requests} requests failed by ${describe(way)}`);
  const { processorMs } = await lookAtEdge(rig);
  return {
    way,
    perSecond: load.requests / (load.microseconds / 1e6),
    p50Ms: load.p50 / 1000,
    p99Ms: load.p99 / 1000,
    processorMs: (processorMs - before.processorMs) / (load.requests / 1000),
    memoryMib,
  };
}

const describe = ({ scheme, connections }: Way) =>
  `${scheme.toUpperCase()}, ${connections === "kept" ? "connections kept" : "a new connection each"}`;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function tableOf(all: readonly Measured[]): string[] {
  const rows = ways.map((way) => {
    const own = all.filter((one) => one.way === way);
    const of = (field: Exclude<keyof Measured, "way">) => median(own.map((one) => one[field]));
    return `| ${describe(way)} | ${of("perSecond").toFixed(0)} | ${of("p50Ms").toFixed(1)} ms | ${of("p99Ms").toFixed(1)} ms | ${of("processorMs").toFixed(0)} ms | ${of("memoryMib").toFixed(1)} MiB |`;
  });
  return [
    "| way | requests/s | p50 | p99 | edge's processor time for 1,000 | edge's memory |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ];
}

function parse([rounds = "3", ...others]: readonly string[]): number {
  if (others.length > 0) throw new TypeError(`it takes one argument, and got ${others.length + 1}`);
  return parseCount("rounds", rounds);
}

async function bench(rounds: number, { signal }: ScriptContext): Promise<number> {
  const docker = await connectDocker();
  const loadBefore = loadavg()[0];
  await using rig = await openHostRig();
  // The generator is believed to be a proxy that got all by HTTPS: HTTP isn't redirected then, and clients are told apart.
  const edge = { ...edgeDefaults, trustedProxies: ["127.0.0.0/8"] };
  await rig.release(1, await rig.push(fromRoot("test/apps/go-modules")), { edge });
  await using generator = await startLoadGenerator(docker, rig.id, signal);
  const atRest = await lookAtEdge(rig);
  // Before there is TLS: what it needs, such as the cache of sessions, the edge keeps.
  const plain: Measured[] = [];
  for (const way of ways) if (way.scheme === "http") plain.push(await measure(rig, generator, way));
  await rig.secure();
  const all: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) {
      signal.throwIfAborted();
      const measured = await measure(rig, generator, way);
      const { memoryMib } = plain.find((one) => one.way === way) ?? measured;
      all.push({ ...measured, memoryMib });
    }
  }
  const machine = `Medians of ${rounds} rounds of ${seconds} s, ${clients} clients, ${cpus().length} processors, load average ${loadBefore} before. The edge at rest, before any TLS: ${atRest.memoryMib.toFixed(1)} MiB.`;
  printText([...tableOf(all), "", machine].join("\n"));
  return exitCodes.done;
}

await runScript({ invocation: "node --import tsx bench/tls.ts", help, parse, run: bench });
