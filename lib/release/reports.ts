import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import type { BucketLocation } from "../../state/s3-store.ts";
import { isNotFound } from "../aws/errors.ts";
import { parseStrictJson } from "../strict-json.ts";
import { parseProblem } from "./document.ts";
import { number, text } from "./schema.ts";

const count = z.int().min(0);
const longestLine = 1_000;
const mostLogLines = 50;
/** An app or a host may say more; what helps is in the beginning. */
const cutLine = (line: string): string =>
  line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What the host's launcher says of its agents. */
const agent = z.object({
  /** Of the bundle in charge. */
  sha256: hash,
  /** One that was wanted at that time, failed its gate, and was taken back. */
  failed: z
    .object({ sha256: hash, at: z.string().max(64), reason: z.string().transform(cutLine) })
    .optional(),
});

/** What it says beyond this is left out: a host that is newer than this Berth may say more. */
const hostReport = z.object({
  /** Number of the release that this report is about. */
  release: number,
  /** `serving`: passed its gate, edge switched. `failed`: the gate was not passed, `serves` is still in place. */
  status: z.enum(["starting", "serving", "failed"]),
  /** Number of the release that answers requests now, if any does. */
  serves: number.optional(),
  /** One sentence, when failed. */
  reason: z.string().transform(cutLine).optional(),
  /** The tail of the app's log, when failed. */
  log: z
    .array(z.string())
    .transform((lines) => lines.slice(-mostLogLines).map(cutLine))
    .optional(),
  /** Requests passed to the app since the release serves (or the converger was started), and how many of them it answered with 5xx or not at all. */
  upstream: z.object({ tries: count, errors: count }).optional(),
  agent: agent.optional(),
  at: text,
});

/** What a host says of itself. Written by the host as `hosts/<instance id>.json` in the state bucket. */
export interface HostReport extends Readonly<z.output<typeof hostReport>> {
  /** By the object's key: what the report itself says of whose it is counts for nothing. */
  readonly instance: string;
}

/** What a host wrote: a report, or why it is none. Neither, when it wrote nothing. */
export interface Told {
  readonly report?: HostReport | undefined;
  readonly problem?: string | undefined;
}

export interface HostReports {
  /** By the id of the instance. */
  readonly reports: ReadonlyMap<string, HostReport>;
  /** Why what an instance wrote is no report. */
  readonly unreadable: ReadonlyMap<string, string>;
}

const mostPages = 5;
const mostReports = 20;

export const hostReportKey = (instanceId: string): string => `hosts/${instanceId}.json`;

/** The instance whose report has the key; undefined for an object that is no host's. */
function instanceOf(key: string): string | undefined {
  return /^hosts\/([A-Za-z0-9-]{1,64})\.json$/.exec(key)?.[1];
}

/** Never throws for what a host wrote: its next report may be better. */
export function parseHostReport(body: string, instance: string): Told {
  try {
    return { report: { ...hostReport.parse(parseStrictJson(body)), instance } };
  } catch (error) {
    return { problem: parseProblem(error) };
  }
}

/** What an instance wrote, if anything. */
export async function readReport(store: ObjectStore, instance: string): Promise<Told> {
  const found = await store.get(hostReportKey(instance));
  return found === undefined ? {} : parseHostReport(found.body, instance);
}

/** The newest reports. A host may write as many objects as it likes: no more than so many are looked at. */
export async function readReports(bucket: BucketLocation, store: ObjectStore): Promise<HostReports> {
  const listed = await listReports(bucket);
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

async function listReports({ client, bucket, account }: BucketLocation) {
  const prefix = hostReportKey("").replace(/\.json$/, "");
  const query = { Bucket: bucket, Prefix: prefix, ExpectedBucketOwner: account };
  const listed: { readonly instance: string; readonly writtenMs: number }[] = [];
  let pages = 0;
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, query)) {
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
