import {
  type DeleteMarkerEntry,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from "@aws-sdk/client-s3";
import { unlessAbsent } from "../../lib/aws/errors.ts";
import { BerthError, exitCodes } from "../../lib/errors.ts";
import { retry } from "../../lib/poll.ts";
import type { Scope } from "../document.ts";
import { type Inspection, inspectBody } from "./inspection.ts";
import { type BucketLocation, bodyOf, defaultPatienceMs, isUnseen } from "../s3-store.ts";
import { stateKey } from "../store.ts";
import { invocation } from "../../lib/invocation.ts";

/** One version of the state document in the bucket. */
export interface Version {
  readonly id: string;
  /** The time of the write, as ISO 8601 by S3's clock. */
  readonly at: string;
  /** Whether this is a delete marker, which has no body. */
  readonly isRemoval: boolean;
  /** Whether this is the current version. */
  readonly isLatest: boolean;
}

export interface ReadVersion extends Version, Inspection {}

const mostPages = 20;

/** Lists versions, newest first; empty if there is no bucket. Above 20,000 versions, the oldest are left out. */
export async function listVersions({ client, bucket, account }: BucketLocation): Promise<Version[]> {
  const on = { Bucket: bucket, ExpectedBucketOwner: account, Prefix: stateKey };
  const listed: Version[] = [];
  let page: ListObjectVersionsCommandOutput | undefined;
  for (let pages = 0; pages === 0 || (page?.IsTruncated === true && pages < mostPages); pages += 1) {
    const from = { KeyMarker: page?.NextKeyMarker, VersionIdMarker: page?.NextVersionIdMarker };
    page = await unlessAbsent(client.send(new ListObjectVersionsCommand({ ...on, ...from })));
    listed.push(...toVersions(page?.DeleteMarkers, true), ...toVersions(page?.Versions, false));
  }
  return listed.toSorted(
    (one, other) => Number(other.isLatest) - Number(one.isLatest) || other.at.localeCompare(one.at),
  );
}

function toVersions(
  found: readonly (ObjectVersion | DeleteMarkerEntry)[] = [],
  isRemoval: boolean,
): Version[] {
  return found
    .filter(({ Key }) => Key === stateKey)
    .map(({ VersionId = "", LastModified, IsLatest = false }) => ({
      id: VersionId,
      at: LastModified?.toISOString() ?? "",
      isRemoval,
      isLatest: IsLatest,
    }));
}

const readAtOnce = 10;

/** Reads the content of each version, in the given order. */
export async function readVersions(
  location: BucketLocation,
  scope: Scope,
  versions: readonly Version[],
): Promise<ReadVersion[]> {
  const read: ReadVersion[] = [];
  for (let start = 0; start < versions.length; start += readAtOnce) {
    const some = versions.slice(start, start + readAtOnce);
    read.push(...(await Promise.all(some.map((one) => readVersion(location, scope, one)))));
  }
  return read;
}

/**
 * Finds a version by its id or its serial.
 * Throws BerthError `NoSuchVersion` if there is none, or if several have the serial.
 */
export async function findVersion(
  location: BucketLocation,
  scope: Scope,
  wanted: string,
): Promise<ReadVersion> {
  const versions = (await listVersions(location)).filter(({ isRemoval }) => !isRemoval);
  const named = versions.filter(({ id }) => id === wanted);
  const candidates = await readVersions(location, scope, named.length > 0 ? named : versions);
  const [found, ...others] = candidates.filter(
    ({ id, document }) => id === wanted || String(document?.serial) === wanted,
  );
  if (found !== undefined && others.length === 0) return found;
  throw new BerthError({
    code: "NoSuchVersion",
    message:
      found === undefined
        ? `s3://${location.bucket} keeps no version ${wanted} of ${stateKey}`
        : `several versions have the serial ${wanted}: ${[found, ...others].map(({ id }) => id).join(", ")}`,
    hint: `${invocation("state history")} lists them; name one by its id`,
    exitCode: exitCodes.badInput,
  });
}

async function readVersion(location: BucketLocation, scope: Scope, version: Version): Promise<ReadVersion> {
  if (version.isRemoval) return { ...version, serial: 0 };
  const body = await readListed(location, version);
  return {
    ...version,
    ...inspectBody(body, scope, `s3://${location.bucket}/${stateKey}, version ${version.id}`),
  };
}

/** Asks again for a version that S3 lists but doesn't show: directly after the bucket was made, it may do so late. */
async function readListed(
  { client, bucket, account, patienceMs }: BucketLocation,
  { id }: Version,
): Promise<string> {
  const on = { Bucket: bucket, Key: stateKey, ExpectedBucketOwner: account };
  return retry(
    { signal: new AbortController().signal, note: () => {} },
    {
      what: `version ${id} of s3://${bucket}/${stateKey}, which is listed`,
      timeoutMs: patienceMs ?? defaultPatienceMs,
      retryOn: isUnseen,
      attempt: async () => bodyOf(await client.send(new GetObjectCommand({ ...on, VersionId: id }))),
    },
  );
}
