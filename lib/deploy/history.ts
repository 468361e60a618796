import { openS3Store } from "../../state/s3-store.ts";
import { bucketOf, type Session } from "../command/session.ts";
import { BerthError } from "../errors.ts";
import { findRelease, type Published } from "../release/document.ts";
import { historyOf, type PastRelease, readRecords } from "../release/history.ts";
import { type Hosts, readHosts } from "./hosts.ts";
import { findHighestNumber } from "../release/record-numbers.ts";
import { type HostReport, readReports } from "../release/reports.ts";

export interface History {
  /** Newest first. */
  readonly releases: readonly PastRelease[];
  /** How many there are in all. */
  readonly total: number;
  /** Absent if its document is lost or damaged. */
  readonly published: Published | undefined;
  readonly hosts: Hosts;
  /** What these hosts say. */
  readonly reports: readonly HostReport[];
}

/** Reads the newest releases of the stack: as many as `count` says of the highest number. */
export async function readHistory(session: Session, count: (newest: number) => number): Promise<History> {
  const bucket = bucketOf(session);
  const store = openS3Store(bucket);
  const [published, told, hosts] = await Promise.all([
    findRelease(store).catch(unlessDamaged(session)),
    readReports(bucket, store),
    readHosts(session),
  ]);
  const newest = published?.release.number ?? (await findHighestNumber(bucket));
  const records = await readRecords(store, { newest, count: count(newest) });
  // The bucket keeps the last words of hosts that are gone.
  const reports = hosts.ids.flatMap((id) => told.reports.get(id) ?? []);
  const releases = historyOf(records, { release: published?.release, reports });
  return { releases, total: newest, published, reports, hosts };
}

/** The history is what one needs when the release is damaged. */
const unlessDamaged =
  ({ report }: Session) =>
  (error: unknown): undefined => {
    if (!(error instanceof BerthError) || error.code !== "ReleaseDamaged") throw error;
    report.message(error.message);
  };
