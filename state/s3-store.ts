import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type Look, lookUntil } from "../lib/poll.ts";
import { readBounded } from "./bounded-read.ts";
import type { ObjectStore, StoredObject, WriteOutcome } from "./object-store.ts";

export interface BucketLocation {
  readonly client: S3Client;
  readonly bucket: string;
  /** The account that must own the bucket. For another account's bucket, S3 answers 403. */
  readonly account: string;
  /** How long to look for an object that must be there. */
  readonly patienceMs?: number;
}

const conflictAttempts = 8;

/**
 * Shorter than a lease. For up to 15 minutes after versioning is switched on, S3 may answer NoSuchKey for an object that
 * was just written: https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html
 */
export const defaultPatienceMs = 15_000;

/** A bucket as a store. S3 itself checks the condition of every write. */
export function openS3Store({ client, bucket, account, patienceMs }: BucketLocation): ObjectStore {
  const target = (key: string) => ({ Bucket: bucket, Key: key, ExpectedBucketOwner: account });
  /** The etag of each object that this store wrote and didn't remove. Those must be there. */
  const written = new Map<string, string>();

  /** Makes a call again while S3 says that an object is missing which must be there. Then its last error is thrown. */
  const persistently = async <T>(key: string, call: () => Promise<T>): Promise<T> => {
    let last: unknown;
    const look = async (): Promise<Look<T>> => {
      try {
        return { done: await call() };
      } catch (error) {
        // A delete marker says that somebody removed the object.
        if (!isUnseen(error) || (await isRemoved(key))) throw error;
        last = error;
        return { waiting: `${key} isn't visible yet` };
      }
    };
    const wait = { what: key, timeoutMs: patienceMs ?? defaultPatienceMs, look };
    const seen = await lookUntil({ signal: new AbortController().signal, note: () => {} }, wait);
    if ("done" in seen) return seen.done;
    throw last;
  };

  const isRemoved = (key: string): Promise<boolean> =>
    client.send(new GetObjectCommand(target(key))).then(
      ({ Body }) => {
        if (Body instanceof Readable) Body.destroy();
        return false;
      },
      (error: unknown) => !isUnseen(error),
    );

  const read = async (key: string): Promise<StoredObject> => {
    let servedAtMs = Date.now();
    const command = new GetObjectCommand(target(key));
    // The object's age is computed by S3's clock only: the Date header minus Last-Modified.
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const date = dateHeader(result.response);
        if (date !== undefined) servedAtMs = date;
        return result;
      },
      { step: "deserialize", priority: "low" },
    );
    const found = await client.send(command);
    const body = await bodyOf(found);
    const ageMs = Math.max(0, servedAtMs - (found.LastModified?.getTime() ?? servedAtMs));
    return { body, etag: found.ETag ?? "", ageMs };
  };

  const get = async (key: string): Promise<StoredObject | undefined> => {
    try {
      return await (written.has(key) ? persistently(key, () => read(key)) : read(key));
    } catch (error) {
      if (!isMissing(error)) throw error;
      written.delete(key);
      return undefined;
    }
  };

  const putOnce = async (key: string, body: string, etag?: string): Promise<string> => {
    const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
    const input = { ...target(key), ...condition, Body: body, ContentType: "application/json" };
    const put = async () => (await client.send(new PutObjectCommand(input))).ETag ?? "";
    // Whoever knows an etag has seen the object.
    return etag === undefined ? put() : persistently(key, put);
  };

  const put = async (key: string, body: string, etag?: string): Promise<WriteOutcome> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const made = await putOnce(key, body, etag);
        written.set(key, made);
        return { etag: made };
      } catch (error) {
        if (statusOf(error) === 409 && attempt < conflictAttempts) {
          await sleep(50 * 2 ** attempt * Math.random());
          continue;
        }
        if (!isLost(error)) throw error;
        written.delete(key);
        // The SDK may have retried after a lost reply, so the stored object may be from its own first attempt.
        const found = await get(key);
        if (found?.body !== body) return "lost";
        written.set(key, found.etag);
        return { etag: found.etag };
      }
    }
  };

  const remove = async (key: string, etag: string): Promise<boolean> => {
    const command = new DeleteObjectCommand({ ...target(key), IfMatch: etag });
    const removeOnce = () => client.send(command);
    const isOwn = written.get(key) === etag;
    written.delete(key);
    try {
      await (isOwn ? persistently(key, removeOnce) : removeOnce());
      return true;
    } catch (error) {
      if (isMissing(error)) return true;
      if (!isLost(error)) throw error;
      return (await get(key)) === undefined;
    }
  };

  const exists = (): Promise<boolean> =>
    client.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account })).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      },
    );

  return { location: `s3://${bucket}`, get, put, remove, exists };
}

/** Reads an object's text, up to a limit that no object of Berth's own exceeds. */
export async function bodyOf({ Body }: Pick<GetObjectCommandOutput, "Body">): Promise<string> {
  if (Body === undefined) return "";
  if (!(Body instanceof Readable)) throw new TypeError("In Node the SDK answers with a stream of Node's");
  return readBounded(Body);
}

const isLost = (error: unknown): boolean => [404, 409, 412].includes(statusOf(error) ?? 0);

/** No such object, or no such bucket. Either way, nothing is stored. */
const isMissing = (error: unknown): boolean => statusOf(error) === 404;

/** The bucket is there, but not the object; and nothing says that it was removed. */
export function isUnseen(error: unknown): boolean {
  if (!isMissing(error) || !(error instanceof Error) || error.name === "NoSuchBucket") return false;
  return headersOf("$response" in error ? error.$response : undefined)["x-amz-delete-marker"] !== "true";
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

function dateHeader(response: unknown): number | undefined {
  const { date } = headersOf(response);
  const parsed = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

function headersOf(response: unknown): Readonly<Record<string, unknown>> {
  if (typeof response !== "object" || response === null || !("headers" in response)) return {};
  const { headers } = response;
  return typeof headers === "object" && headers !== null ? { ...headers } : {};
}
