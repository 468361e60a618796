import type { ObjectStore } from "../../state/object-store.ts";
import { settingsOf } from "./comparison.ts";
import {
  readRecord,
  type ReleaseBefore,
  type ReleaseEnd,
  type ReleaseRecord,
  recordKey,
  type StoredRecord,
} from "./record.ts";
import type { HostReport } from "./reports.ts";
import type { Release } from "./schema.ts";

/** One release of the stack's history. What isn't known of it any more is absent. */
export interface PastRelease extends Partial<
  Pick<
    ReleaseRecord,
    "image" | "source" | "commit" | "isClean" | "by" | "at" | "hosts" | "settings" | "rolledBack"
  >
> {
  readonly number: number;
  /**
   * `serves`: now. `served`: once, on every host. `failed`: hosts gave up on it. `starting`: published last, and the hosts
   * are at it. `unknown`: no run saw its end, and no host tells of it any more.
   */
  readonly result: "serves" | "served" | "failed" | "starting" | "unknown";
  readonly endedAt?: string;
  /** Why it failed; or why a host gave up at first that served it later. */
  readonly reason?: string;
  readonly seconds?: ReleaseEnd["seconds"];
  /** Why its own record can't be read. */
  readonly problem?: string;
}

/** What is known now, beside the records. */
export interface Present {
  /** The published release; absent if its document is lost or damaged. */
  readonly release?: Release | undefined;
  /** The reports of the hosts that there are. */
  readonly reports: readonly HostReport[];
}

const readAtOnce = 20;

/** Reads the records of `count` releases, newest first, from the number `newest` down. Numbers count up one by one. */
export async function readRecords(
  store: ObjectStore,
  { newest, count }: { readonly newest: number; readonly count: number },
): Promise<ReadonlyMap<number, StoredRecord>> {
  const read = new Map<number, StoredRecord>();
  const oldest = Math.max(1, newest - count + 1);
  for (let from = newest; from >= oldest; from -= readAtOnce) {
    const some = Array.from({ length: Math.min(readAtOnce, from - oldest + 1) }, (_none, at) => from - at);
    const found = await Promise.all(some.map((number) => readRecord(store, number)));
    for (const [at, number] of some.entries()) read.set(number, found[at] ?? {});
  }
  return read;
}

/**
 * Pure. One row for each number, newest first. A release whose record is lost or not readable is known by the published
 * release, if it is that one, or by what the record after it repeats.
 */
export function historyOf(records: ReadonlyMap<number, StoredRecord>, present: Present): PastRelease[] {
  return [...records].map(([number, { record, problem }]) => {
    const isPublished = present.release?.number === number;
    const published = isPublished ? present.release : undefined;
    // Somebody may have put another release's record there.
    const own = published === undefined || published.at === record?.at ? record : undefined;
    const before = records.get(number + 1)?.record?.before;
    const repeated = before?.number === number ? before : undefined;
    return {
      number,
      ...knownOf(own, published, repeated),
      result: resultOf(number, { own, repeated, isPublished, reports: present.reports }),
      ...(problem === undefined ? {} : { problem: `${recordKey(number)} is no record: ${problem}` }),
    };
  });
}

function knownOf(own: ReleaseRecord | undefined, published?: Release, repeated?: ReleaseBefore) {
  if (own !== undefined) {
    const { end, before: _before, number: _number, ...known } = own;
    return { ...known, ...(end === undefined ? {} : { ...endOf(end) }) };
  }
  if (published !== undefined) {
    const { at, by, image, source, commit, isClean, rolledBack } = published;
    const settings = settingsOf(published);
    return without({ at, by, image, source, commit, isClean, rolledBack, settings });
  }
  const { at, by, image, commit } = repeated ?? {};
  return without({ at, by, image, commit });
}

const endOf = ({ at, reason, seconds }: NonNullable<ReleaseRecord["end"]>) => ({
  endedAt: at,
  ...(reason === undefined ? {} : { reason }),
  seconds,
});

/** Leaves out what isn't set. */
function without<Fields extends object>(
  fields: Fields,
): { [Field in keyof Fields]?: NonNullable<Fields[Field]> } {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Object.entries` loses the type of each field.
  return Object.fromEntries(set) as { [Field in keyof Fields]?: NonNullable<Fields[Field]> };
}

interface Evidence {
  readonly own: ReleaseRecord | undefined;
  readonly repeated: ReleaseBefore | undefined;
  readonly isPublished: boolean;
  readonly reports: readonly HostReport[];
}

/** What hosts say now counts most: the run that waited may have been stopped. */
function resultOf(number: number, { own, repeated, isPublished, reports }: Evidence): PastRelease["result"] {
  const about = reports.filter(({ release }) => release === number);
  if (reports.some(({ serves, status, release }) => isServing({ serves, status, release }, number)))
    return about.some(({ status }) => status === "failed") ? "failed" : "serves";
  if (about.some(({ status }) => status === "failed")) return "failed";
  // A host that gave up for a while, say for a full disk, may have served the release after the run that waited had ended.
  if (repeated?.result === "served") return "served";
  return own?.end?.result ?? repeated?.result ?? (isPublished ? "starting" : "unknown");
}

const isServing = (
  { serves, status, release }: Pick<HostReport, "serves" | "status" | "release">,
  number: number,
): boolean => (serves === undefined ? status === "serving" && release === number : serves === number);
