import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectIdentifier,
} from "@aws-sdk/client-s3";
import { BerthError } from "../errors.ts";
import type { ResourceContext } from "./resource.ts";

/**
 * Deletes every object of a bucket, with all versions and delete markers: in batches, of as many as AWS takes in one call and
 * lists in one answer.
 *
 * @throws BerthError `ObjectsNotDeleted` with the keys that AWS refused, and why.
 */
export async function emptyBucket(ctx: ResourceContext, name: string, batchSize = 1000): Promise<void> {
  const on = { Bucket: name, ExpectedBucketOwner: ctx.account };
  // What was listed is gone when it lists again, so the first answer is always the next one.
  for (let deleted = 0; ;) {
    const list = new ListObjectVersionsCommand({ ...on, MaxKeys: batchSize });
    const objects = identify(await ctx.clients.s3.send(list));
    if (objects.length === 0) return;
    const command = new DeleteObjectsCommand({ ...on, Delete: { Objects: objects, Quiet: true } });
    const { Errors = [] } = await ctx.clients.s3.send(command);
    if (Errors.length > 0) throw notDeleted(name, Errors);
    deleted += objects.length;
    ctx.note(`deleted ${deleted} object versions of bucket ${name}`);
  }
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
    hint: "Allow s3:DeleteObjectVersion to the caller, then run the same command again",
    detail: errors.slice(0, 20).map((one) => `${one.Key}: ${one.Code} ${one.Message}`),
  });
}
