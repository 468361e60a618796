import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import type { ObjectStore } from "../../state/object-store.ts";
import { isNotFound } from "../aws/errors.ts";
import { type HostReport, hostReportKey, instanceOf, parseHostReport } from "../release.ts";
import type { ReadContext } from "./resource.ts";

export interface HostReports {
  /** By the id of the instance. */
  readonly reports: ReadonlyMap<string, HostReport>;
  /** Why what an instance wrote is no report. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** A report, or why what was written is none. */
interface Told {
  readonly report: HostReport | undefined;
  readonly problem: string | undefined;
}

const mostPages = 5;
const mostReports = 20;

/** The newest reports. A host may write as many objects as it likes: no more than so many are looked at. */
export async function readReports(
  ctx: ReadContext,
  bucket: string,
  store: ObjectStore,
): Promise<HostReports> {
  const listed = await listReports(ctx, bucket);
  const newest = listed.toSorted((one, other) => other.writtenMs - one.writtenMs).slice(0, mostReports);
  const read = await Promise.all(
    newest.map(async ({ instance }) => ({ instance, ...(await readReport(store, instance)) })),
  );
  return {
    reports: new Map(read.flatMap(({ report }) => (report ? [[report.instance, report] as const] : []))),
    unreadable: new Map(
      read.flatMap(({ instance, problem }) => (problem === undefined ? [] : [[instance, problem] as const])),
    ),
  };
}

/** What an instance wrote, if anything. */
export async function readReport(store: ObjectStore, instance: string): Promise<Partial<Told>> {
  const found = await store.get(hostReportKey(instance));
  return found === undefined ? {} : parseHostReport(found.body, instance);
}

/** For people: where it lies, and what is wrong with it. */
export const unreadableText = (instance: string, problem: string): string =>
  `${hostReportKey(instance)} is no report: ${problem}`;

async function listReports(ctx: ReadContext, bucket: string) {
  const prefix = hostReportKey("").replace(/\.json$/, "");
  const query = { Bucket: bucket, Prefix: prefix, ExpectedBucketOwner: ctx.account };
  const listed: { readonly instance: string; readonly writtenMs: number }[] = [];
  let pages = 0;
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: ctx.clients.s3 }, query)) {
      for (const { Key = "", LastModified } of Contents) {
        const instance = instanceOf(Key);
        if (instance !== undefined) listed.push({ instance, writtenMs: LastModified?.getTime() ?? 0 });
      }
      pages += 1;
      if (pages === mostPages) break;
    }
  } catch (error) {
    // No bucket, no reports.
    if (!isNotFound(error)) throw error;
  }
  return listed;
}
