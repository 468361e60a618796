import { findUnconfirmedWarning } from "./alarm-lines.ts";
import { estimateCost } from "./cost.ts";
import { awaitCertificate, probeFor, urlOf } from "./certificate.ts";
import { awaitNames } from "./names.ts";
import { observedOf, type Observations } from "../engine/read.ts";
import { appFails, unreachable } from "./no-answer.ts";
import type { Reading } from "./reading.ts";
import type { HttpsNews } from "../release/certificate.ts";
import {
  type AppFigures,
  type ReleaseFigures,
  releaseFigures,
  type Rollout,
  rolloutOf,
  sumFigures,
} from "../release/figures.ts";
import { type HostNews, hostNewsOf } from "../release/host-news.ts";
import { maintenanceText } from "../release/maintenance.ts";
import { readReport } from "../release/reports.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { bucketOf, type Session } from "../command/session.ts";
import type { Offers, StackParts } from "../stack.ts";

/** Requests the app from outside and reports its URL, health, certificate and cost. Returns the URL. */
export async function reportOutputs(
  session: Session,
  reading: Reading,
  found: Observations<Offers>,
): Promise<string | undefined> {
  const { report, config } = session;
  const outputs = outputsOf(reading.parts, found);
  const { address, instance, release, app } = outputs;
  if (address === undefined || instance === undefined) return undefined;
  const isLedHere = await awaitNames(session, reading, address);
  const https = isLedHere
    ? await awaitCertificate(session, { address, instance, https: outputs.https })
    : outputs.https;
  const isInMaintenance = release?.maintenance !== undefined;
  const wanted = urlOf(config, address, https);
  const { url, health } = isInMaintenance
    ? { url: wanted, health: await probeFor(session, wanted, 0) }
    : await findAnswer(session, wanted, `http://${address}/`);
  const cost = estimateCost(config, reading.freeTierEligible);
  if (health.isHealthy) report.message(`answers ${health.status} from outside in ${health.durationMs} ms`);
  else if (release?.maintenance !== undefined) report.message(maintenanceText(release.maintenance));
  else if (health.status !== undefined)
    throw appFails(url, health, { release, log: await readAppLog(session, reading, found) });
  else if (isOpenToAll(session)) throw unreachable(url, health.reason ?? "no answer");
  else
    report.message(
      `no answer from here (${health.reason ?? "nothing"}): ingress may not allow this computer`,
    );
  const unconfirmed = findUnconfirmedWarning(config, { parts: reading.parts, observations: found });
  if (unconfirmed !== undefined) report.message(unconfirmed.message);
  report.message(`cost: ${cost.text}`);
  report.data("outputs", { url, health, cost: cost.monthlyUsd, release, app, https }, [url]);
  return url;
}

/** Asks by HTTPS where there is a certificate. Where that doesn't answer, the app may still do so by HTTP, and is told so. */
async function findAnswer(session: Session, wanted: string, otherwise: string) {
  const health = await probeFor(session, wanted, wanted === otherwise ? 60_000 : 10_000);
  if (health.status !== undefined || wanted === otherwise) return { url: wanted, health };
  session.report.message(`${wanted} doesn't answer from here: ${health.reason ?? "nothing"}`);
  return { url: otherwise, health: await probeFor(session, otherwise, 60_000) };
}

/** What a user wants to know about a stack. A value is absent as long as it doesn't exist. */
export interface Outputs {
  /** The stack's Elastic IP. */
  readonly address: string | undefined;
  /** The instance that has it. */
  readonly instance: string | undefined;
  readonly release: ReleaseFigures | undefined;
  /** What has become of the release; absent without a release. */
  readonly rollout: Rollout | undefined;
  readonly app: AppFigures | undefined;
  readonly host: HostNews | undefined;
  readonly https: HttpsNews | undefined;
}

export function outputsOf(parts: StackParts, found: Observations<Offers>): Outputs {
  const address = observedOf(parts.address, found);
  const host = observedOf(parts.instance, found);
  const published = observedOf(parts.release, found);
  // The bucket may also hold reports of hosts that were replaced.
  const report = host && published?.reports.get(host.id);
  return {
    address: address?.publicIp,
    instance: host?.id,
    release: published && releaseFigures(published.release),
    rollout: published && rolloutOf(published.release.number, report),
    app: published && sumFigures(published.release.number, report === undefined ? [] : [report]),
    host: report && hostNewsOf(report),
    https: report?.https,
  };
}

const isOpenToAll = ({ config }: Session): boolean =>
  config.ingress.some(({ port, from }) => port === 80 && from.includes("0.0.0.0/0"));

/** What the app has written since it began to fail. The host tells it within some seconds of the first failure. */
async function readAppLog(
  session: Session,
  { parts }: Reading,
  found: Observations<Offers>,
): Promise<readonly string[]> {
  const host = observedOf(parts.instance, found);
  if (host === undefined) return [];
  return (await readReport(openS3Store(bucketOf(session)), host.id)).report?.log ?? [];
}
