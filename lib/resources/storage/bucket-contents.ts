import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  type ObjectIdentifier,
  type ObjectVersion,
} from "@aws-sdk/client-s3";
import { BerthError } from "../../errors.ts";
import type { WriteContext } from "../../contract/resource.ts";

export interface EmptyOptions {
  /** The current version of this key stays. */
  readonly keep?: string;
  /** How many versions to list and delete per call; 1000 is AWS's limit. */
  readonly batchSize?: number;
}

/**
 * Deletes every object of a bucket, with all versions and delete markers, in batches. Only listed versions are deleted, so
 * a version written after the last listing stays.
 *
 * @throws BerthError `ObjectsNotDeleted` with the keys that AWS refused to delete, and why.
 */
export async function emptyBucket(
  ctx: WriteContext,
  name: string,
  { keep, batchSize = 1000 }: EmptyOptions = {},
): Promise<void> {
  const on = { Bucket: name, ExpectedBucketOwner: ctx.account };
  let start: Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker"> = {};
  // Listed versions are deleted before the next listing. So each listing starts at the beginning, or after the kept version.
  for (let deleted = 0; ;) {
    const list = new ListObjectVersionsCommand({ ...on, ...start, MaxKeys: batchSize });
    const page = await ctx.clients.s3.send(list);
    const kept = page.Versions?.find(({ Key, IsLatest }) => Key === keep && IsLatest === true);
    const objects = identify(page).filter(
      (one) => one.Key !== kept?.Key || one.VersionId !== kept?.VersionId,
    );
    if (objects.length === 0 && (kept === undefined || page.IsTruncated !== true)) return;
    if (kept !== undefined) start = { KeyMarker: kept.Key, VersionIdMarker: kept.VersionId };
    await deleteAll(ctx, name, objects);
    deleted += objects.length;
    ctx.note(`deleted ${deleted} object versions of bucket ${name}`);
  }
}

export interface ForGoodOptions {
  readonly key: string;
  /** The etag of the version that may be deleted. */
  readonly etag: string;
  /** See `EmptyOptions`. */
  readonly batchSize?: number;
}

/** Deletes all versions of an object if its current version has this etag. A version that somebody else wrote stays. */
export async function deleteForGood(
  ctx: WriteContext,
  name: string,
  { key, etag, batchSize = 1000 }: ForGoodOptions,
): Promise<void> {
  const on = { Bucket: name, ExpectedBucketOwner: ctx.account };
  const older: ObjectIdentifier[] = [];
  let own: ObjectVersion | undefined;
  let start: Pick<ListObjectVersionsCommandInput, "KeyMarker" | "VersionIdMarker"> = {};
  for (let isMore = true; isMore;) {
    const list = new ListObjectVersionsCommand({ ...on, ...start, Prefix: key, MaxKeys: batchSize });
    const page = await ctx.clients.s3.send(list);
    own ??= page.Versions?.find(({ Key, IsLatest }) => Key === key && IsLatest === true);
    older.push(...identify(page).filter((one) => one.Key === key && one.VersionId !== own?.VersionId));
    isMore = page.IsTruncated === true;
    start = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
  if (own === undefined || own.ETag !== etag) return;
  // Older versions are deleted first. Otherwise the newest of them would briefly be the current one.
  while (older.length > 0) await deleteAll(ctx, name, older.splice(0, batchSize));
  await ctx.clients.s3.send(new DeleteObjectCommand({ ...on, Key: key, VersionId: own.VersionId }));
}

async function deleteAll(ctx: WriteContext, name: string, objects: ObjectIdentifier[]): Promise<void> {
  if (objects.length === 0) return;
  const on = { Bucket: name, ExpectedBucketOwner: ctx.account };
  const command = new DeleteObjectsCommand({ ...on, Delete: { Objects: objects, Quiet: true } });
  const { Errors = [] } = await ctx.clients.s3.send(command);
  if (Errors.length > 0) throw notDeleted(name, Errors);
}

function identify({
  Versions = [],
  DeleteMarkers = [],
}: ListObjectVersionsCommandOutput): ObjectIdentifier[] {
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
}

function notDeleted(
  name: string,
  errors: readonly { Key?: string | undefined; Code?: string | undefined; Message?: string | undefined }[],
): BerthError {
  return new BerthError({
    code: "ObjectsNotDeleted",
    message: `${errors.length} objects of bucket ${name} can't be deleted`,
    hint: "allow s3:DeleteObjectVersion to the caller, then run the same command again",
    detail: errors.slice(0, 20).map((one) => `${one.Key}: ${one.Code} ${one.Message}`),
  });
}
