import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { z } from "zod";
import type { Check } from "../check.ts";
import type { Cluster } from "../cluster.ts";
import { judgeServices } from "../health.ts";
import { explainTrouble } from "../trouble.ts";
import type { Verdict } from "../verdict.ts";

/** How long services without a health check are watched. */
const defaultWatchMs = 5000;

/**
 * For any compose file: every service is healthy, has done its work, or stays up. A program that runs for a moment may
 * be one that always ends and is always started again.
 */
export const stayingCheck = (watchMs = defaultWatchMs): Check => ({
  between: "all",
  name: "every service is well, and stays up",
  run: async (cluster) => {
    const hasUnproven = (await judgeServices(cluster)).some(({ unproven }) => unproven === true);
    if (hasUnproven) await watch(cluster, watchMs);
    const verdicts = await judgeServices(cluster);
    const failed = verdicts.find(({ state }) => state === "failed");
    if (failed !== undefined) throw await explainTrouble(cluster, failed);
    return verdicts.length === 0 ? { skipped: "no service has a container" } : describe(verdicts);
  },
});

/** `2 healthy; 1 runs; 1 done, exit code 0` */
function describe(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of verdicts) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).join("; ");
}

const death = z.object({
  Actor: z.object({
    ID: z.string(),
    Attributes: z.object({
      exitCode: z.coerce.number(),
      "com.docker.compose.service": z.string(),
    }),
  }),
});

/** Throws when a container of the project ends with an error in this time. */
async function watch(cluster: Cluster, watchMs: number): Promise<void> {
  const label = [`com.docker.compose.project=${cluster.project}`, "com.docker.compose.oneoff=False"];
  const filters = { type: ["container" as const], event: ["die"], label };
  const events = Readable.from(await cluster.docker.getEvents({ filters }));
  const signal = AbortSignal.any([cluster.signal, AbortSignal.timeout(watchMs)]);
  try {
    for await (const line of createInterface({ input: events, signal })) {
      const { ID: container, Attributes: more } = death.parse(JSON.parse(line)).Actor;
      if (more.exitCode === 0) continue;
      const reason = `ended with exit code ${more.exitCode}, after it had started`;
      const service = more["com.docker.compose.service"];
      throw await explainTrouble(cluster, { service, state: "failed", reason, container });
    }
  } finally {
    events.destroy();
  }
}
