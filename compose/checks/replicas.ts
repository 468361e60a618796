import type { Check } from "../check.ts";
import { failCheck } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import type { Roles } from "../compose-file.ts";
import { waitUntilReady } from "../health.ts";
import { getOwn } from "../own-cluster.ts";
import { countInDatabase, openEdge, readPage, viewPage } from "../page.ts";

const crowd = 500;
const replicas = 3;

/** Replicas share the work, and the count stays right. */
export function replicaChecks(roles: Roles): readonly Check[] {
  return [
    {
      between: `${roles.edge} → 3 × ${roles.app}`,
      name: "three replicas share the work, nginx not restarted",
      disruptive: true,
      ownOnly: true,
      run: (cluster) => checkSharing(cluster, roles),
    },
    {
      between: `host → ${roles.edge} → ${roles.app} → ${roles.database}`,
      name: `${crowd} at once raise the count by ${crowd}`,
      heavy: true,
      run: (cluster) => checkCrowd(cluster, roles),
    },
  ];
}

async function checkSharing(cluster: Cluster, roles: Roles): Promise<string> {
  const before = (await cluster.listContainers(roles.edge)).map(({ State }) => State.StartedAt);
  await scale(cluster, roles, replicas);
  const served = await viewUntilAllServe(cluster, roles);
  const after = (await cluster.listContainers(roles.edge)).map(({ State }) => State.StartedAt);
  if (String(before) !== String(after))
    failCheck(`${roles.edge} was restarted on the way`, { service: roles.edge });
  return `${[...served.values()].join(" + ")} views`;
}

async function scale(cluster: Cluster, { app }: Roles, count: number): Promise<void> {
  const { exitCode, lines } = await getOwn(cluster).compose([
    "up",
    "-d",
    "--no-recreate",
    // Without this, the one-shot services would run once more.
    "--no-deps",
    "--scale",
    `${app}=${count}`,
    app,
  ]);
  if (exitCode !== 0)
    failCheck(`${cluster.tool.command} up --scale ${app}=${count} failed: ${lines.at(-1) ?? ""}`);
  await waitUntilReady(cluster);
}

/** nginx asks Docker's DNS again every two seconds, so it finds the new replica a moment after that is healthy. */
async function viewUntilAllServe(cluster: Cluster, roles: Roles): Promise<ReadonlyMap<string, number>> {
  const served = new Map<string, number>();
  const deadline = performance.now() + cluster.timeoutMs;
  while (served.size < replicas || Math.min(...served.values()) < 5) {
    const { servedBy } = await viewPage(cluster, roles);
    served.set(servedBy, (served.get(servedBy) ?? 0) + 1);
    if (performance.now() > deadline) failCheck(`only ${served.size} of ${replicas} replicas serve requests`);
  }
  return served;
}

async function checkCrowd(cluster: Cluster, roles: Roles): Promise<string> {
  const visit = await openEdge(cluster, roles);
  const before = await countInDatabase(cluster, roles);
  const startedMs = performance.now();
  const answers = await Promise.all(Array.from({ length: crowd }, () => visit("/")));
  const seconds = (performance.now() - startedMs) / 1000;
  const bad = answers.filter(({ status }) => status !== 200);
  if (bad.length > 0) failCheck(`${bad.length} of ${crowd} got no page, the first ${bad[0]?.status}`);
  const after = await countInDatabase(cluster, roles);
  if (after !== before + crowd) failCheck(`Postgres counts ${after - before} more after ${crowd} views`);
  const distinct = new Set(answers.map((answer) => readPage(answer).count)).size;
  if (distinct !== crowd)
    failCheck(`${crowd - distinct} visitors were shown a count that another one was shown`);
  return `${before} → ${after} in ${seconds.toFixed(1)} s, no count shown twice`;
}
