import { compareContent, type ContentDifference, describeContent } from "../../release/comparison.ts";
import { findRelease, type Published, releaseKey } from "../../release/document.ts";
import { readHostJournal } from "../../release/host-journal.ts";
import { explainInterruption } from "../../release/interruption.ts";
import { type Origin, publishMetrics, publishRelease } from "../../release/publish.ts";
import { ensureRecord, keepRecord, recordOf, type StoredRecord, summaryOf } from "../../release/record.ts";
import { findHighestNumber } from "../../release/record-numbers.ts";
import { awaitRecorded } from "../../release/recorded-wait.ts";
import { type HostReports, readReports } from "../../release/reports.ts";
import type { Content, Release } from "../../release/schema.ts";
import { type AgentPublished, findShortfalls, type Shortfall } from "../../release/shortfall.ts";
import { limitServing } from "../compute/cpu-credits.ts";
import { findPointer } from "./agent.ts";
import type { Difference, Observed, Resource, ReadContext } from "../../contract/resource.ts";
import type { ObjectStore } from "../../../state/object-store.ts";
import { openS3Store } from "../../../state/s3-store.ts";

export interface ReleaseDesired extends Omit<Origin, "rolledBack"> {
  readonly content: Content;
  /** The namespace for the numbers of the hosts, if they send any. */
  readonly metrics?: string | undefined;
  /** The ids of the instances that should serve it. */
  readonly hosts: readonly string[];
  /** The agent that they should run. */
  readonly agent: AgentPublished;
}

export interface ObservedRelease extends Observed, HostReports, Published {}

export interface ReleaseOptions {
  readonly bucket: string;
  /** The caller's ARN, stored in the release. */
  readonly by: string;
  /** How long a host may take from its start to serving. */
  readonly patienceMs: number;
  /** Helps to explain a silent host: returns the last lines of its console. */
  readonly diagnose: (ctx: ReadContext, instanceId: string) => Promise<readonly string[]>;
  /** How many seconds each step of the run took that is done. */
  readonly phases?: () => Readonly<Record<string, number>>;
}

/** The release that the hosts converge to, and their reports. `update` publishes it if it differs, and then waits for the hosts. */
export function releaseResource(options: ReleaseOptions): Resource<ReleaseDesired, ObservedRelease> {
  const { bucket, by, patienceMs, diagnose, phases = () => ({}) } = options;
  const locate = ({ clients, account }: ReadContext) => ({ client: clients.s3, bucket, account });
  const open = (ctx: ReadContext) => openS3Store(locate(ctx));
  /** The record of the release that this run created. */
  let created: StoredRecord | undefined;

  return {
    kind: "release",

    find: async (ctx) => {
      const store = open(ctx);
      const [published, told] = await Promise.all([findRelease(store), readReports(locate(ctx), store)]);
      return published && { id: releaseKey, tags: {}, ...published, ...told };
    },

    create: async (ctx, _identity, { hosts, agent: _agent, metrics, ...rest }) => {
      const store = open(ctx);
      // A number is never used twice, even if the release document was lost: reports and records still name the last numbers.
      const [{ reports }, recorded] = await Promise.all([
        readReports(locate(ctx), store),
        findHighestNumber(locate(ctx)),
      ]);
      const told = [...reports.values()].map(({ release }) => release);
      const release = await publishRelease(store, {
        ...rest,
        metrics,
        by,
        before: { number: Math.max(recorded, ...told) },
      });
      created = await keepRecord(store, recordOf(release, { hosts }));
      return releaseKey;
    },

    attributes: ({ content }) => describeContent(content),

    differences: (_identity, { content, metrics, hosts, agent }, observed) => [
      ...contentDifferences(content, observed.release),
      ...metricsDifferences(metrics, observed.release),
      ...hosts.flatMap((host) => hostDifferences(host, agent, observed)),
    ],

    update: async (ctx, { desired, observed }) => {
      const store = open(ctx);
      const { hosts, agent: wished, metrics, ...rest } = desired;
      const { content, commit } = rest;
      const isNew =
        contentDifferences(content, observed.release).length > 0 ||
        hosts.some((host) => shortfallsOf(host, wished, observed).some(isFailure));
      const { number, maintenance } = observed.release;
      const before = { number, maintenance, etag: observed.etag };
      const current = isNew
        ? await publishRelease(store, { ...rest, metrics, by, before })
        : await publishChange(store, desired, observed);
      const release = current.number;
      const stored = isNew
        ? await keepRecord(store, recordOf(current, { hosts, before: summaryOf(observed, hosts) }))
        : (created ?? (await ensureRecord(store, recordOf(current, { hosts }))));
      // An agent's failure counts only if it happened after the latest publication.
      const agent = { ...wished, at: (await findPointer(store))?.content?.at };
      const look = (host: string) => lookAtSilent(store, host, () => diagnose(ctx, host));
      const awaited = { store, hosts, desired: { release, agent }, patienceMs, diagnose: look };
      await awaitRecorded(ctx, awaited, { stored, phases: phases() }).catch((error: unknown) => {
        const { commit: earlier } = observed.release;
        const commitBefore = isNew && earlier !== commit ? earlier : undefined;
        throw explainInterruption(error, { release: current, commitBefore });
      });
      await limitServing(ctx, hosts);
    },

    // Deleting the bucket deletes release and reports.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}

/** What no container has to be started anew for. */
async function publishChange(
  store: ObjectStore,
  { metrics }: Pick<ReleaseDesired, "metrics">,
  observed: ObservedRelease,
): Promise<Release> {
  const { release } = observed;
  return release.metrics === metrics ? release : publishMetrics(store, observed, metrics);
}

/** The last lines that a host wrote: to its journal, if it could leave them in the bucket, and to its console. */
async function lookAtSilent(
  store: ObjectStore,
  host: string,
  readConsole: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const [journal, console] = await Promise.all([readHostJournal(store, host), readConsole()]);
  return journal.length === 0 ? console : [...journal, "its console:", ...console];
}

const contentDifferences = (content: Content, published: Release): Difference[] =>
  compareContent(content, published).map((one) => ({
    ...one,
    action: "update",
    ...(isNewValue(one) ? { reason: "the secret's value changed" } : {}),
  }));

function metricsDifferences(wanted: string | undefined, { metrics }: Release): Difference[] {
  if (metrics === wanted) return [];
  const [desired, observed] = [wanted ?? "none", metrics ?? "none"];
  return [{ field: "metrics", desired, observed, action: "update", reason: "no replica is started anew" }];
}

/** Whether a secret has the same source and another version. */
const isNewValue = ({ field, desired, observed }: ContentDifference): boolean =>
  field.startsWith("secrets.") && desired.replace(/:[^:]*$/, "") === observed.replace(/:[^:]*$/, "");

const shortfallsOf = (host: string, agent: AgentPublished, found: ObservedRelease): Shortfall[] => {
  const told = { report: found.reports.get(host), problem: found.unreadable.get(host) };
  return findShortfalls(host, { release: found.release.number, agent }, told);
};

/** A host never tries a number again. So whoever asks again for a release that failed gets it under a new number. */
const isFailure = ({ failure }: Shortfall): boolean => failure?.code === "ReleaseUnhealthy";

const hostDifferences = (host: string, agent: AgentPublished, found: ObservedRelease): Difference[] =>
  shortfallsOf(host, agent, found).map((one) => ({
    field: `host ${host}`,
    observed: one.observed,
    action: "update",
    ...(isFailure(one)
      ? {
          desired: `release ${found.release.number + 1} serving`,
          reason: "it is tried again, as a new release",
        }
      : { desired: one.desired }),
  }));
