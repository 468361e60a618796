import type { ObjectStore } from "../../state/object-store.ts";
import { type Published, releaseKey } from "./document.ts";
import type { Content, Maintenance, Release } from "./schema.ts";
import { writeDocument } from "./stored-document.ts";

/** Where the content comes from. */
export type Origin = Pick<Release, "source" | "commit" | "isClean" | "rolledBack">;

export interface Publication extends Origin {
  readonly content: Content;
  /** The caller's ARN, stored in the release. */
  readonly by: string;
  /** Where hosts send their numbers, if they do. */
  readonly metrics: string | undefined;
  /** The last number used, and the version to replace with its maintenance, if there is one. */
  readonly before: {
    readonly number: number;
    readonly etag?: string;
    readonly maintenance?: Maintenance | undefined;
  };
}

/**
 * Writes the release that the hosts converge to, and returns it. Its number is one higher than the last. The hosts pick
 * it up by themselves; `awaitHosts` waits for them.
 *
 * @throws BerthError `ReleaseConflict` if the stored version is no longer the one to replace.
 */
export async function publishRelease(store: ObjectStore, publication: Publication): Promise<Release> {
  const { content, by, before, metrics, source, commit, isClean, rolledBack } = publication;
  const release: Release = {
    number: before.number + 1,
    ...content,
    at: new Date().toISOString(),
    by,
    ...(source === undefined ? {} : { source }),
    ...(commit === undefined ? {} : { commit }),
    ...(isClean === undefined ? {} : { isClean }),
    ...(rolledBack === undefined ? {} : { rolledBack }),
    ...(before.maintenance === undefined ? {} : { maintenance: before.maintenance }),
    ...(metrics === undefined ? {} : { metrics }),
  };
  await writeDocument(store, { key: releaseKey, content: release, etag: before.etag, conflict });
  return release;
}

/**
 * Tells the hosts where to send their numbers, or to send none. Number and content stay, so nothing is started anew.
 *
 * @throws BerthError `ReleaseConflict` if the stored version is no longer the one that was read.
 */
export async function publishMetrics(
  store: ObjectStore,
  { release, etag }: Published,
  metrics: string | undefined,
): Promise<Release> {
  const { metrics: _before, ...rest } = release;
  const content = { ...rest, ...(metrics === undefined ? {} : { metrics }) };
  await writeDocument(store, { key: releaseKey, content, etag, conflict });
  return content;
}

const conflict = { code: "ReleaseConflict", resource: "release" };
