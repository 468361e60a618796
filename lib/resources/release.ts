import { setTimeout as sleep } from "node:timers/promises";
import { BerthError, exitCodes } from "../errors.ts";
import { type HostReport, parseRelease, type Release, releaseKey } from "../release.ts";
import { type HostReports, readReport, readReports, unreadableText } from "./host-reports.ts";
import type { Change, Difference, Facts, Resource, ReadContext } from "./resource.ts";
import { openS3Store } from "../../state/s3-store.ts";
import type { ObjectStore } from "../../state/object-store.ts";

/** What of a release a user decides; number, time and author come with the writing. */
type WantedRelease = Omit<Release, "number" | "at" | "by" | "commit"> & {
  readonly commit?: string | undefined;
};

export interface ReleaseDesired {
  readonly release: WantedRelease;
  readonly instanceId: string;
}

export interface ReleaseFacts extends Facts, HostReports {
  readonly release: Release;
  readonly etag: string;
}

export interface ReleaseOptions {
  readonly bucket: string;
  /** ARN of the caller, for the record. */
  readonly by: string;
  /** How long a host may take from its start to serving. */
  readonly patienceMs: number;
  /** Tells why a host may be silent: the tail of its console. */
  readonly diagnose: (ctx: ReadContext, instanceId: string) => Promise<readonly string[]>;
}

/** The last number used, and the version to replace, if there is one. */
interface Before {
  readonly number: number;
  readonly etag?: string;
}

const compared = ["image", "port", "replicas", "memoryMib"] as const;

/**
 * The wish that the host converges to, and its answer. `update` writes the wished release if it differs and then waits
 * until the host says that it serves it; a host that failed its gate makes BerthError `ReleaseUnhealthy` (exit 5).
 */
export function releaseResource(options: ReleaseOptions): Resource<ReleaseDesired, ReleaseFacts> {
  const open = (ctx: ReadContext) =>
    openS3Store({ client: ctx.clients.s3, bucket: options.bucket, account: ctx.account });

  const write = async (store: ObjectStore, wanted: WantedRelease, before: Before): Promise<void> => {
    const { commit, ...rest } = wanted;
    const release: Release = {
      number: before.number + 1,
      ...rest,
      at: new Date().toISOString(),
      by: options.by,
      ...(commit === undefined ? {} : { commit }),
    };
    const outcome = await store.put(releaseKey, `${JSON.stringify(release, undefined, 2)}\n`, before.etag);
    if (outcome === "lost") throw releaseConflict(store.location);
  };

  return {
    kind: "release",

    find: async (ctx) => {
      const store = open(ctx);
      const [found, read] = await Promise.all([
        store.get(releaseKey),
        readReports(ctx, options.bucket, store),
      ]);
      if (found === undefined) return undefined;
      const release = parseRelease(found.body, `${store.location}/${releaseKey}`);
      return { id: releaseKey, tags: {}, release, etag: found.etag, ...read };
    },

    create: async (ctx, _identity, desired) => {
      const store = open(ctx);
      // Numbers aren't used twice, even when the last wish was lost: hosts have reported the ones they know.
      const { reports } = await readReports(ctx, options.bucket, store);
      const numbers = [...reports.values()].map(({ release }) => release);
      await write(store, desired.release, { number: Math.max(0, ...numbers) });
      return releaseKey;
    },

    differences: (_identity, { release, instanceId }, facts) => [
      ...contentDifferences(release, facts.release),
      ...hostDifferences(instanceId, facts),
    ],

    update: async (ctx, change) => {
      const store = open(ctx);
      const isNew = contentDifferences(change.desired.release, change.facts.release).length > 0;
      const { release, etag } = change.facts;
      if (isNew) await write(store, change.desired.release, { number: release.number, etag });
      const number = change.facts.release.number + (isNew ? 1 : 0);
      await waitForHost({ ctx, store, number, change, options });
    },

    // Both objects go with the bucket.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}

function contentDifferences(wanted: WantedRelease, found: Release): Difference[] {
  const changed: Difference[] = compared
    .filter((key) => wanted[key] !== found[key])
    .map((key) => ({ field: key, wanted: String(wanted[key]), found: String(found[key]), action: "update" }));
  return [...changed, ...environmentDifferences(wanted.environment, found.environment)];
}

type Environment = Release["environment"];

/**
 * Values may be private: a plan says that one changed, not from what to what. No hash of it either: whoever reads one can try
 * short values until one fits.
 */
function environmentDifferences(wanted: Environment, found: Environment): Difference[] {
  const [to, from] = [new Map(Object.entries(wanted)), new Map(Object.entries(found))];
  const names = [...new Set([...to.keys(), ...from.keys()])].filter(
    (name) => to.get(name) !== from.get(name),
  );
  return names.map((name) => ({
    field: `environment.${name}`,
    wanted: to.has(name) ? (from.has(name) ? "(another value)" : "(a value)") : "(not set)",
    found: from.has(name) ? "(a value)" : "(not set)",
    action: "update",
  }));
}

function hostDifferences(instanceId: string, { release, reports, unreadable }: ReleaseFacts): Difference[] {
  const report = reports.get(instanceId);
  if (report?.release === release.number && report.status === "serving") return [];
  const problem = unreadable.get(instanceId);
  const absent = problem === undefined ? "no report yet" : unreadableText(instanceId, problem);
  const found = report === undefined ? absent : `release ${report.release} ${report.status}`;
  return [
    { field: `host ${instanceId}`, wanted: `release ${release.number} serving`, found, action: "update" },
  ];
}

interface Waiting {
  readonly ctx: ReadContext;
  readonly store: ObjectStore;
  readonly number: number;
  readonly change: Change<ReleaseDesired, ReleaseFacts>;
  readonly options: ReleaseOptions;
}

async function waitForHost({ ctx, store, number, change, options }: Waiting): Promise<void> {
  const { instanceId } = change.desired;
  const giveUpAtMs = performance.now() + options.patienceMs;
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 1.5, 2_000)) {
    const told = await readReport(store, instanceId);
    const { report, problem } = told;
    if (report?.release === number && report.status === "serving") return;
    if (report?.release === number && report.status === "failed") throw unhealthy(number, report);
    if (performance.now() > giveUpAtMs) {
      throw silent(number, instanceId, { problem, console: await options.diagnose(ctx, instanceId) });
    }
    ctx.note(waitingFor(instanceId, told));
    await sleep(pauseMs, undefined, { signal: ctx.signal });
  }
}

function waitingFor(instanceId: string, { report, problem }: Awaited<ReturnType<typeof readReport>>): string {
  if (report !== undefined) return `${instanceId}: release ${report.release} ${report.status}`;
  return problem === undefined ? `${instanceId} is booting` : unreadableText(instanceId, problem);
}

function releaseConflict(location: string): BerthError {
  return new BerthError({
    code: "ReleaseConflict",
    message: `somebody else wrote ${location}/${releaseKey} at the same time; it was not overwritten`,
    hint: "run the same command again: it compares with what is wished for now",
    resource: "release",
  });
}

function unhealthy(number: number, report: HostReport): BerthError {
  const still = report.serves === undefined ? "nothing serves" : `release ${report.serves} still serves`;
  return new BerthError({
    code: "ReleaseUnhealthy",
    message: `release ${number} failed on ${report.instance}: ${report.reason ?? "no reason given"}; ${still}`,
    hint: "mend the app or its configuration and run up again; the lines above are the end of its log",
    resource: "release",
    detail: report.log ?? [],
    exitCode: exitCodes.releaseUnhealthy,
  });
}

interface Silence {
  readonly problem: string | undefined;
  readonly console: readonly string[];
}

function silent(number: number, instanceId: string, { problem, console }: Silence): BerthError {
  const wrote = problem === undefined ? "" : `; ${unreadableText(instanceId, problem)}`;
  return new BerthError({
    code: "HostSilent",
    message: `${instanceId} did not say in time that it serves release ${number}${wrote}`,
    hint: "the lines above are the end of its console; run up again to go on waiting, or replace the instance",
    resource: "release",
    detail: console,
    exitCode: exitCodes.releaseUnhealthy,
  });
}
