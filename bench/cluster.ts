import { Agent, request } from "node:http";
import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../compose/cluster.ts";
import { readSource, type Roles } from "../compose/compose-file.ts";
import { findComposeTool } from "../compose/compose-tool.ts";
import { waitUntilReady } from "../compose/health.ts";
import { ask } from "../compose/http.ts";
import { buildImages, removeCluster, takeDown } from "../compose/lifecycle.ts";
import { type OwnCluster, planOwnCluster } from "../compose/own-cluster.ts";
import { countInDatabase } from "../compose/page.ts";
import { connectDocker } from "../lib/docker/connection.ts";
import { exitCodes } from "../lib/errors.ts";
import { formatBytes } from "../lib/docker/records.ts";
import { fromRoot } from "../lib/paths.ts";
import { printText } from "../lib/report/terminal.ts";
import { runScript, type ScriptContext } from "../setup/script.ts";

const help = `cluster: measures the Django cluster and prints one JSON document

Usage: node --import tsx bench/cluster.ts > bench/cluster.json

The load comes from this one Node process on the same computer, so it takes its share of the processors.
`;

const starts = 3;
const visitors = 16;
const loadSeconds = 10;

/**
 * Seconds from the command to the first page. Images are built already; volumes are new, so the database and secrets
 * are created.
 */
async function measureStart(cluster: OwnCluster, roles: Roles): Promise<number> {
  const startedMs = performance.now();
  const up = cluster.compose(["up", "-d"]);
  for (;;) {
    const status = await cluster
      .getUrl(roles.edge)
      .then((url) => ask(`${url}/`, { timeoutMs: 1000 }))
      .then(
        (answer) => answer.status,
        () => 0,
      );
    if (status === 200) break;
    await sleep(20);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await up;
  await waitUntilReady(cluster);
  return Math.round(seconds * 10) / 10;
}

/** Pages per second for visitors who keep their connection alive. Postgres counts every page. */
async function measureLoad(cluster: Cluster, roles: Roles) {
  const url = `${await cluster.getUrl(roles.edge)}/`;
  const before = await countInDatabase(cluster, roles);
  const agent = new Agent({ keepAlive: true, maxSockets: visitors });
  const deadline = performance.now() + loadSeconds * 1000;
  const times: number[] = [];
  let failed = 0;
  const visit = async () => {
    while (performance.now() < deadline) {
      const startedMs = performance.now();
      if ((await fetchStatus(url, agent)) !== 200) failed += 1;
      times.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: visitors }, visit));
  agent.destroy();
  const sorted = times.toSorted((a, b) => a - b);
  const quantile = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
  return {
    visitors,
    seconds: loadSeconds,
    perSecond: Math.round(times.length / loadSeconds),
    milliseconds: { median: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
    failed,
    sent: times.length,
    counted: (await countInDatabase(cluster, roles)) - before,
  };
}

function fetchStatus(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      answer.resume();
      answer.once("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.once("error", reject);
    sent.end();
  });
}

/** MiB per container without the page cache, as in `docker stats`. */
async function measureMemory(cluster: Cluster): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for (const container of await cluster.listContainers()) {
    if (!container.State.Running) continue;
    const { memory_stats: memory } = await cluster.docker.getContainer(container.Id).stats({ stream: false });
    const cache = memory.stats.total_inactive_file ?? memory.stats.inactive_file;
    rows[container.Name.replace(`/${cluster.project}`, "").slice(1)] = Math.round(
      (memory.usage - cache) / 2 ** 20,
    );
  }
  return rows;
}

async function measureImages(cluster: Cluster): Promise<Record<string, string>> {
  const rows: Record<string, string> = {};
  for (const container of await cluster.listContainers()) {
    const { Size } = await cluster.docker.getImage(container.Image).inspect();
    rows[container.Config.Image] = formatBytes(Size);
  }
  return rows;
}

async function measure(signal: AbortSignal) {
  const file = await readSource(fromRoot("compose/docker-compose.yml"));
  if (file.roles === undefined) throw new Error("the cluster's file has no x-smoke");
  const [docker, tool] = [await connectDocker(), await findComposeTool()];
  const cluster = await planOwnCluster(file, { docker, tool, signal, timeoutMs: 60_000 });
  const startSeconds: number[] = [];
  // The computer's other load during the measurement.
  const loadBefore = loadavg()[0];
  try {
    await buildImages(cluster);
    for (let round = 0; round < starts; round += 1) {
      await takeDown(cluster, ["--volumes"]);
      startSeconds.push(await measureStart(cluster, file.roles));
    }
    await sleep(5000);
    const memoryAtRestMib = await measureMemory(cluster);
    const load = await measureLoad(cluster, file.roles);
    const images = await measureImages(cluster);
    const engine = (await docker.version()).Version;
    const machine = {
      processors: cpus().length,
      loadBefore,
      node: process.version,
      engine,
      compose: tool.version,
    };
    return { at: new Date().toISOString(), machine, startSeconds, load, memoryAtRestMib, images };
  } finally {
    await removeCluster(cluster);
  }
}

function parse(args: readonly string[]): undefined {
  if (args.length > 0) throw new TypeError(`it takes no arguments, and got ${args.join(" ")}`);
}

async function bench(_asked: undefined, { signal }: ScriptContext): Promise<number> {
  printText(JSON.stringify(await measure(signal), null, 2));
  return exitCodes.done;
}

await runScript({ invocation: "node --import tsx bench/cluster.ts", help, parse, run: bench });
