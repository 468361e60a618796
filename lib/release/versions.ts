import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { type BucketLocation, bodyOf } from "../../state/s3-store.ts";
import { isNotFound, unlessAbsent } from "../aws/errors.ts";
import { BerthError } from "../errors.ts";
import { parseRelease, releaseKey } from "./document.ts";
import type { Release } from "./schema.ts";

const mostPages = 5;
const readAtOnce = 10;
/** Each release is one version, and so is each other change of the document. */
const mostRead = 500;

/**
 * Finds a release of the past with all its values, which its record doesn't have: among the versions of the published
 * release that the bucket keeps. Undefined if none of them is that release.
 */
export async function findPastRelease(
  location: BucketLocation,
  isWanted: (release: Release) => boolean,
): Promise<Release | undefined> {
  const ids = (await listVersions(location)).slice(0, mostRead);
  for (let start = 0; start < ids.length; start += readAtOnce) {
    const some = ids.slice(start, start + readAtOnce);
    const read = await Promise.all(some.map((id) => readVersion(location, id)));
    const found = read.find((one) => one !== undefined && isWanted(one));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Ids, newest first. */
async function listVersions({ client, bucket, account }: BucketLocation): Promise<string[]> {
  const on = { Bucket: bucket, ExpectedBucketOwner: account, Prefix: releaseKey };
  const ids: string[] = [];
  let page: ListObjectVersionsCommandOutput | undefined;
  for (let pages = 0; pages === 0 || (page?.IsTruncated === true && pages < mostPages); pages += 1) {
    const from = { KeyMarker: page?.NextKeyMarker, VersionIdMarker: page?.NextVersionIdMarker };
    page = await unlessAbsent(client.send(new ListObjectVersionsCommand({ ...on, ...from })));
    const own = (page?.Versions ?? []).filter(({ Key }) => Key === releaseKey);
    ids.push(...own.flatMap(({ VersionId }) => VersionId ?? []));
  }
  return ids;
}

/** A version that is damaged, or that expired since it was listed, is none. */
async function readVersion({ client, bucket, account }: BucketLocation, id: string) {
  const which = { Bucket: bucket, Key: releaseKey, VersionId: id, ExpectedBucketOwner: account };
  try {
    return parseRelease(await bodyOf(await client.send(new GetObjectCommand(which))), id);
  } catch (error) {
    if (isNotFound(error) || (error instanceof BerthError && error.code === "ReleaseDamaged"))
      return undefined;
    throw error;
  }
}
