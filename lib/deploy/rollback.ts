import { openS3Store } from "../../state/s3-store.ts";
import { consoleTail } from "../aws/console.ts";
import { bucketOf, type Session } from "../command/session.ts";
import type { WriteContext } from "../contract/resource.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";
import { compareContent, type ContentDifference } from "../release/comparison.ts";
import { findRelease, type Published } from "../release/document.ts";
import { minuteText, releaseFigures, shortCaller } from "../release/figures.ts";
import { explainInterruption } from "../release/interruption.ts";
import { maintenanceText } from "../release/maintenance.ts";
import { publishRelease } from "../release/publish.ts";
import { keepRecord, recordOf, summaryOf } from "../release/record.ts";
import { awaitRecorded } from "../release/recorded-wait.ts";
import { readReport, type HostReport } from "../release/reports.ts";
import type { Release } from "../release/schema.ts";
import { chooseTargets } from "../release/rollback.ts";
import { shortenNames } from "../report/short-names.ts";
import { probeFor, urlOf } from "./certificate.ts";
import type { History } from "./history.ts";
import type { Hosts } from "./hosts.ts";
import { appFails } from "./no-answer.ts";
import { getPastContent, type PastContent, requireImage, requireSecrets } from "./past-content.ts";

const patienceMs = 10 * 60_000;

/** A rollback as it is shown to the user, before anything is changed. */
export interface Rollback {
  /** What was published last. */
  readonly from: Release;
  /** Whether hosts served that. */
  readonly wasServing: boolean;
  readonly to: PastContent;
  readonly differences: readonly ContentDifference[];
  readonly hosts: Hosts;
  readonly reports: readonly HostReport[];
}

/** Chooses the release to go back to, and makes sure that it can be had. Writes nothing. */
export async function chooseRollback(
  session: Session,
  history: History,
  asked: number | undefined,
): Promise<Rollback> {
  const { published, hosts, reports, releases } = history;
  const targets = chooseTargets(history, asked);
  if (published === undefined || hosts.ids.length === 0) throw nothingServes(session);
  const from = published.release;
  const wasServing = releases[0]?.result === "serves";
  for (const [at, number] of targets.entries()) {
    const past = releases.find((one) => one.number === number) ?? { number, result: "unknown" as const };
    const to = await getPastContent(session, past, hosts);
    const found = compareContent(to.content, from);
    // What failed is published again, even if it is the same: the host takes no number twice.
    const differences = found.length === 0 && !wasServing ? [again] : found;
    // Going back to the same would change nothing.
    if (differences.length === 0 && at < targets.length - 1) continue;
    requireSecrets(session, to.release, from);
    await requireImage(session, to.release);
    return { from, wasServing, to, differences, hosts, reports };
  }
  throw new TypeError("there is no release to go back to");
}

const again = { field: "release", desired: "published again", observed: "not serving" };

const nothingServes = ({ config }: Session): BerthError =>
  new BerthError({
    code: "NoHost",
    message: `${config.stack} has no host that could serve an earlier release`,
    hint: `${invocation("up")} makes one`,
    exitCode: exitCodes.badInput,
  });

interface Described extends Pick<Rollback, "differences"> {
  readonly from: Pick<Release, "number">;
  readonly to: { readonly release: Pick<Release, "number" | "by" | "at"> };
}

/** Describes a rollback for people. */
export function rollbackLines({ from, to, differences }: Described): string[] {
  const { number, at, by } = to.release;
  return [
    `release ${from.number + 1} would be release ${number} again, which ${shortCaller(by)} published at ${minuteText(at)}`,
    ...differences.map(({ field, desired, observed }) =>
      shortenNames(`  ~ ${field.padEnd(18)} ${observed} -> ${desired}`),
    ),
  ];
}

/** Publishes the past release under a new number, and waits until the hosts serve it. */
export async function shipRollback(session: Session, ctx: WriteContext, rollback: Rollback): Promise<void> {
  const { from, wasServing, to, hosts, reports } = rollback;
  const store = openS3Store({ ...bucketOf(session), client: ctx.clients.s3 });
  const found = requireSame(await findRelease(store), from);
  const note = session.report.begin("release", "update");
  try {
    const { source, commit, isClean, number } = to.release;
    const release = await publishRelease(store, {
      content: to.content,
      source,
      commit,
      isClean,
      by: session.caller,
      metrics: found.release.metrics,
      before: { number: from.number, etag: found.etag, maintenance: found.release.maintenance },
      rolledBack: { from: from.number, to: number },
    });
    const told = new Map(reports.map((one) => [one.instance, one]));
    const before = summaryOf({ release: from, reports: told }, hosts.ids);
    const stored = await keepRecord(store, recordOf(release, { hosts: hosts.ids, before }));
    const diagnose = (host: string) => consoleTail(session.ctx, host);
    const awaited = { store, hosts: hosts.ids, desired: { release: release.number }, patienceMs, diagnose };
    await awaitRecorded({ ...ctx, note }, awaited, { stored, phases: {} }).catch((error: unknown) => {
      throw explainInterruption(error, { release, hasReplaced: wasServing });
    });
    session.report.end("release", "update", `release ${release.number}`);
  } catch (error) {
    session.report.fail("release", "update", session.signal.aborted);
    throw error;
  }
}

/** Somebody else may have shipped something since the user was asked. */
function requireSame(found: Published | undefined, shown: Release): Published {
  if (found?.release.number === shown.number && found.release.at === shown.at) return found;
  throw new BerthError({
    code: "PlanChanged",
    message: `release ${shown.number} isn't the one that is published any more; nothing was changed`,
    hint: "run the same command again: it compares with what is there now",
  });
}

/** Requests the app from outside, as after `up`. Returns the URL. */
export async function reportAnswer(session: Session, { ids, address }: Hosts): Promise<string | undefined> {
  const { config, report } = session;
  const [host] = ids;
  if (address === undefined || host === undefined) return undefined;
  const store = openS3Store(bucketOf(session));
  const [{ report: told }, found] = await Promise.all([readReport(store, host), findRelease(store)]);
  const url = urlOf(config, address, told?.https);
  const maintenance = found?.release.maintenance;
  const health = await probeFor(session, url, maintenance === undefined ? 60_000 : 0);
  if (maintenance === undefined && !health.isHealthy && health.status !== undefined)
    throw appFails(url, health, { release: found?.release, log: told?.log ?? [] });
  report.message(
    maintenance !== undefined
      ? maintenanceText(maintenance)
      : health.isHealthy
        ? `answers ${health.status} from outside in ${health.durationMs} ms`
        : `no answer from here: ${health.reason ?? "nothing"}`,
  );
  report.data("outputs", { url, health, release: found && releaseFigures(found.release) }, [url]);
  return url;
}
