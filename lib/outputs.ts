import { estimateCost } from "./cost.ts";
import type { Observations } from "./engine/read.ts";
import { BerthError, exitCodes } from "./errors.ts";
import { probe } from "./outside.ts";
import type { Reading } from "./deploy/reading.ts";
import type { Session } from "./session.ts";
import type { Offers } from "./stack.ts";

/** Looks at the app from outside and tells the URL, its health and what it costs. Returns the URL. */
export async function reportOutputs(
  session: Session,
  reading: Reading,
  found: Observations<Offers>,
): Promise<string | undefined> {
  const { report, signal, config } = session;
  const url = urlOf(found);
  if (url === undefined) return undefined;
  const health = await probe(url, { signal, patienceMs: 60_000 });
  const cost = estimateCost(config, reading.freeTierEligible);
  if (reading.newerMachineImageId !== undefined) {
    report.message(`a newer ${config.instance.os} image exists: ${reading.newerMachineImageId}`);
  }
  if (health.isHealthy) report.message(`answers ${health.status} from outside in ${health.durationMs} ms`);
  else if (isOpenToAll(session)) throw unreachable(url, health.reason ?? `HTTP ${health.status}`);
  else
    report.message(
      `no answer from here (${health.reason ?? health.status}): ingress may not allow this computer`,
    );
  report.message(cost.text);
  report.data("outputs", { url, health, cost: cost.monthlyUsd }, [url]);
  return url;
}

/** Where the app is reached, when it has an address. */
export const urlOf = (found: Observations<Offers>): string | undefined =>
  found.get("address")?.outputs["url"];

const isOpenToAll = ({ config }: Session): boolean =>
  config.ingress.some(({ port, from }) => port === 80 && from.includes("0.0.0.0/0"));

function unreachable(url: string, reason: string): BerthError {
  return new BerthError({
    code: "NotReachable",
    message: `${url} does not answer from here, though the host says that it serves: ${reason}`,
    hint: "check what lies between this computer and AWS (proxies, firewalls), then npm run status",
    exitCode: exitCodes.releaseUnhealthy,
  });
}
