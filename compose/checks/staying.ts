import type { Check } from "../check.ts";
import { BerthError } from "../../lib/errors.ts";
import type { Cluster } from "../cluster.ts";
import { awaitDeaths } from "../deaths.ts";
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
    const deaths = hasUnproven ? await watch(cluster, watchMs) : [];
    const verdicts = await judgeServices(cluster);
    const failed = verdicts.filter(({ state }) => state === "failed");
    const [first, ...others] = oncePerService([...deaths, ...failed]);
    if (first !== undefined) throw await explainAll(cluster, first, others);
    return verdicts.length === 0 ? { skipped: "no service has a container" } : describe(verdicts);
  },
});

/** `2 healthy; 1 runs; 1 done, exit code 0` */
function describe(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of verdicts) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).join("; ");
}

/** One error for all services that have failed, with the tail of each one's log. */
async function explainAll(cluster: Cluster, first: Verdict, others: readonly Verdict[]): Promise<BerthError> {
  const error = await explainTrouble(cluster, first);
  if (others.length === 0) return error;
  const errors = [error, ...(await Promise.all(others.map((one) => explainTrouble(cluster, one))))];
  return new BerthError({
    code: error.code,
    message: errors.map(({ message }) => message).join("; "),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    resource: first.service,
    detail: errors.flatMap(({ resource, detail }) => detail.map((one) => `${resource ?? ""}: ${one}`)),
    cause: error,
  });
}

/** The first verdict on each service. */
const oncePerService = (verdicts: readonly Verdict[]): readonly Verdict[] =>
  verdicts.filter(({ service }, at) => verdicts.findIndex((one) => one.service === service) === at);

/** The containers of the project that end with an error in this time. */
async function watch(cluster: Cluster, watchMs: number): Promise<readonly Verdict[]> {
  const deaths = await awaitDeaths(cluster, watchMs);
  return deaths.flatMap(({ service, container, exitCode }): readonly Verdict[] => {
    const reason = `ended with exit code ${exitCode}, after it had started`;
    return exitCode === 0 ? [] : [{ service, state: "failed", reason, container }];
  });
}
