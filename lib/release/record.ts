import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { parseStrictJson } from "../strict-json.ts";
import { settingsOf } from "./comparison.ts";
import { parseProblem } from "./document.ts";
import type { HostReport } from "./reports.ts";
import { number, origin, type Release, rolledBack, text } from "./schema.ts";

const longestReason = 1_000;
const mostHosts = 20;
const mostPhases = 100;
/** Each variable of the environment is one. */
const mostSettings = 2_000;

const result = z.enum(["served", "failed"]);
const sentence = z.string().transform((one) => one.slice(0, longestReason));
const seconds = z
  .record(z.string().max(64), z.number().min(0))
  .refine((all) => Object.keys(all).length <= mostPhases, `at most ${mostPhases} phases`);
const settings = z
  .record(z.string().max(512), text)
  .refine((all) => Object.keys(all).length <= mostSettings, `at most ${mostSettings} settings`);

/** How a release ended, as the run saw it that waited for the hosts. */
const end = z.object({
  /** `served`: every host served it. `failed`: a host gave up, and went on with what it served before. */
  result,
  at: text,
  /** Why it failed, in one sentence. */
  reason: sentence.optional(),
  /** Seconds by phase: the steps of the run that came before, and `hosts`: from its publication to its end. */
  seconds,
});

/** What every release is known by, and what the record of the next one repeats of it. */
const identity = { number, image: text, at: text, by: text, commit: origin.commit };

const record = z.object({
  ...identity,
  source: origin.source,
  isClean: origin.isClean,
  rolledBack: rolledBack.optional(),
  /** For people. Values of the environment are hidden as in plans. */
  settings,
  /** The instances that were to serve it. */
  hosts: z.array(z.string().max(64)).max(mostHosts).readonly(),
  /** The release before, so that its row is still known when its own record is lost. */
  before: z.object({ ...identity, result: result.optional() }).optional(),
  /** Absent as long as no run has seen the end. */
  end: end.optional(),
});

/** One release and its end, kept as `releases/N.json` in the stack's bucket. Never a secret value. */
export type ReleaseRecord = Readonly<z.output<typeof record>>;
export type ReleaseEnd = Readonly<z.output<typeof end>>;
export type ReleaseBefore = NonNullable<ReleaseRecord["before"]>;

interface PublishedAndTold {
  readonly release: Release;
  readonly reports: ReadonlyMap<string, HostReport>;
}

export const recordKey = (release: number): string => `releases/${release}.json`;

/** What is stored of a release: its record, or why there is none that can be read. */
export interface StoredRecord {
  readonly record?: ReleaseRecord | undefined;
  readonly etag?: string | undefined;
  readonly problem?: string | undefined;
}

export function recordOf(
  {
    number: own,
    image,
    at,
    by,
    commit,
    source,
    isClean,
    rolledBack: way,
    maintenance: _now,
    metrics: _there,
    ...content
  }: Release,
  { hosts, before }: Pick<ReleaseRecord, "hosts" | "before">,
): ReleaseRecord {
  const known = { number: own, image, at, by, commit, source, isClean, rolledBack: way };
  const shown = settingsOf({ ...content, image });
  return record.parse({ ...known, settings: shown, hosts: hosts.slice(0, mostHosts), before });
}

/** Reads one record. Nothing that is stored makes it fail: a stranger's object has a problem and no record. */
export async function readRecord(store: ObjectStore, release: number): Promise<StoredRecord> {
  const found = await store.get(recordKey(release));
  if (found === undefined) return {};
  try {
    const read = record.parse(parseStrictJson(found.body));
    if (read.number === release) return { record: read, etag: found.etag };
    return { problem: `it is about release ${read.number}` };
  } catch (error) {
    return { problem: parseProblem(error) };
  }
}

/**
 * Keeps a release that was just published. Nothing is written over: an object that is there already stays, and then there
 * is no record of this release to add its end to.
 */
export async function keepRecord(store: ObjectStore, kept: ReleaseRecord): Promise<StoredRecord> {
  const outcome = await store.put(recordKey(kept.number), toText(kept));
  return outcome === "lost" ? {} : { record: kept, etag: outcome.etag };
}

/** As `keepRecord`, for a release of an earlier run: that may have ended before it kept the record. */
export async function ensureRecord(store: ObjectStore, kept: ReleaseRecord): Promise<StoredRecord> {
  const stored = await readRecord(store, kept.number);
  if (stored.problem !== undefined) return {};
  if (stored.record === undefined) return keepRecord(store, kept);
  return stored.record.at === kept.at ? stored : {};
}

/** What the next record repeats of a release, with what its hosts said of it. */
export function summaryOf(
  { release: { number: own, image, at, by, commit }, reports }: PublishedAndTold,
  hosts: readonly string[],
): ReleaseBefore {
  const told = hosts.map((host) => reports.get(host)).filter((one) => one?.release === own);
  const isFailed = told.some((one) => one?.status === "failed");
  const isServed = told.length > 0 && told.every((one) => one?.status === "serving");
  const seen = isFailed ? "failed" : isServed ? "served" : undefined;
  return { number: own, image, at, by, commit, ...(seen === undefined ? {} : { result: seen }) };
}

/** Adds how the release ended, once. The record of a release that somebody else published meanwhile stays as it is. */
export async function keepEnd(
  store: ObjectStore,
  { record: kept, etag }: StoredRecord,
  how: ReleaseEnd,
): Promise<void> {
  if (kept === undefined || etag === undefined || kept.end !== undefined) return;
  await store.put(recordKey(kept.number), toText({ ...kept, end: end.parse(how) }), etag);
}

const toText = (one: ReleaseRecord): string => `${JSON.stringify(one, undefined, 2)}\n`;
