import { text as readText } from "node:stream/consumers";
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

const clock = z.object({ SystemTime: z.coerce.date() });

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
  // The engine ends the answer by itself, by its own clock.
  const { SystemTime: now } = clock.parse(await cluster.docker.info());
  const until = Math.ceil((now.getTime() + watchMs) / 1000);
  const events = await readText(await cluster.docker.getEvents({ until, filters }));
  cluster.signal.throwIfAborted();
  const deaths = events.split("\n").filter(Boolean);
  for (const { Actor } of deaths.map((line) => death.parse(JSON.parse(line)))) {
    if (Actor.Attributes.exitCode === 0) continue;
    const reason = `ended with exit code ${Actor.Attributes.exitCode}, after it had started`;
    const service = Actor.Attributes["com.docker.compose.service"];
    throw await explainTrouble(cluster, { service, state: "failed", reason, container: Actor.ID });
  }
}
