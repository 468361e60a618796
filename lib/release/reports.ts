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
/** Cuts a long line of an app or a host. Its beginning is the useful part. */
const cutLine = (line: string): string =>
  line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`;

const sentence = z.string().transform(cutLine);
/** The host's word for a cause: lib/release/hints.ts. */
const cause = z.string().transform((word) => word.slice(0, 32));

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const refusedAgent = z.object({ sha256: hash, at: z.string().max(64), reason: sentence });

/** What the host's launcher reports about its agents. */
const agent = z.object({
  /** The hash of the running agent's bundle. */
  sha256: hash,
  /** When the agent was published that the launcher installed or found installed. */
  at: z.string().max(64).optional(),
  /** The hash of an agent on trial. It runs in place of the other one until it has proved itself or failed. */
  trying: hash.optional(),
  /** An agent published at `at` that failed its gate and was rolled back. */
  failed: refusedAgent.optional(),
  /** An agent that the host couldn't install for a reason of its own, such as a full disk. It tries again by itself. */
  waiting: refusedAgent.optional(),
});

/** More kinds of failure than any edge knows. */
const mostFailures = 32;

const rate = z.object({ tries: count, errors: count });

/** Requests that edge or switch answered themselves, by the failure's name in the edge's log. */
const failures = z
  .record(z.string().regex(/^[a-z]{1,16}$/), count)
  .refine((kinds) => Object.keys(kinds).length <= mostFailures, `at most ${mostFailures} kinds of failure`);

const moment = z.string().max(64);
const certificateNames = z.array(z.string().max(253)).max(100);

/** What the host reports about certificates. Nothing at all as long as it hasn't read the settings of HTTPS. */
const https = z.object({
  /** What the host wants a certificate for now: the domains, else the address. */
  wanted: certificateNames,
  /** The certificate that the edge shows, if it has one. Times are ISO 8601 in UTC. */
  certificate: z
    .object({ names: certificateNames, issuer: z.string().max(256), notBefore: moment, notAfter: moment })
    .optional(),
  /** Why the last try failed, and how many failed in a row. Absent after a success. */
  error: sentence.optional(),
  cause: cause.optional(),
  failures: count.optional(),
  /** When the host tries next: again after a failure, or to renew. */
  next: moment.optional(),
});

/** The known fields of a report. Others are dropped, because a host may be newer than this Berth. */
const hostReport = z.object({
  /** The number of the release that this report is about. */
  release: number,
  /** `serving`: the release passed its gate and the edge is switched. `failed`: it didn't pass, and `serves` still runs. */
  status: z.enum(["starting", "serving", "failed"]),
  /** The number of the release that serves requests now, if any does. */
  serves: number.optional(),
  /** Why the release failed, in one sentence. */
  reason: sentence.optional(),
  cause: cause.optional(),
  /** The last lines of the app's log, if the release failed or tries failed while it serves. */
  log: z
    .array(z.string())
    // An app that logged nothing has one empty line.
    .transform((lines) => (lines.some((line) => line.trim()) ? lines.slice(-mostLogLines).map(cutLine) : []))
    .optional(),
  /** Requests passed to the app since the release began to serve or the converger started, and those with a 5xx or no response. */
  upstream: z
    .object({
      tries: count,
      errors: count,
      failures: failures.optional(),
      /** Of any release, before `at`. */
      lastMinute: rate.optional(),
      lastHour: rate.optional(),
      at: z.string().max(64).optional(),
    })
    .optional(),
  /** How often replicas of the serving release ended by themselves and were started again, and why the last one ended. */
  restarts: z
    .object({
      count,
      last: z.object({ at: z.string().max(64), reason: sentence, cause: cause.optional() }).optional(),
    })
    .optional(),
  /** What the host can't do at the moment, and tries again. */
  trouble: sentence.optional(),
  agent: agent.optional(),
  https: https.optional(),
  /** The hash of the page that visitors see in place of the app. */
  maintenance: hash.optional(),
  at: text,
});

/** A host's report about itself, which it writes as `hosts/<instance id>.json` in the state bucket. */
export interface HostReport extends Readonly<z.output<typeof hostReport>> {
  /** From the object's key. An instance id inside the report isn't trusted. */
  readonly instance: string;
}

/** What a host wrote: a report, or why it can't be read. Empty if the host wrote nothing. */
export interface Told {
  readonly report?: HostReport | undefined;
  readonly problem?: string | undefined;
}

export interface HostReports {
  /** Reports by instance id. */
  readonly reports: ReadonlyMap<string, HostReport>;
  /** Reasons why a report can't be read, by instance id. */
  readonly unreadable: ReadonlyMap<string, string>;
}

const mostPages = 5;
const mostReports = 20;

export const hostReportKey = (instanceId: string): string => `hosts/${instanceId}.json`;

/** The id of the instance whose report has this key; undefined if the key isn't a report's. */
function instanceOf(key: string): string | undefined {
  return /^hosts\/([A-Za-z0-9-]{1,64})\.json$/.exec(key)?.[1];
}

/** Parses a report. Never throws, whatever the host wrote: its next report may be valid. */
export function parseHostReport(body: string, instance: string): Told {
  try {
    return { report: { ...hostReport.parse(parseStrictJson(body)), instance } };
  } catch (error) {
    return { problem: parseProblem(error) };
  }
}

/** Reads an instance's report, if there is one. */
export async function readReport(store: ObjectStore, instance: string): Promise<Told> {
  const found = await store.get(hostReportKey(instance));
  return found === undefined ? {} : parseHostReport(found.body, instance);
}

/** Reads the newest reports. Their number is limited, because a host could write any number of objects. */
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
    // Without a bucket there are no reports.
    if (!isNotFound(error)) throw error;
  }
  return listed;
}
