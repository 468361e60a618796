import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { readBounded } from "./bounded-read.ts";
import type { ObjectStore, StoredObject, WriteOutcome } from "./object-store.ts";

export interface BucketLocation {
  readonly client: S3Client;
  readonly bucket: string;
  /** The account that must own the bucket. For another account's bucket, S3 answers 403. */
  readonly account: string;
}

const conflictAttempts = 8;

/** A bucket as a store. S3 itself checks the condition of every write. */
export function openS3Store({ client, bucket, account }: BucketLocation): ObjectStore {
  const target = (key: string) => ({ Bucket: bucket, Key: key, ExpectedBucketOwner: account });

  const get = async (key: string): Promise<StoredObject | undefined> => {
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
    try {
      const found = await client.send(command);
      const body = await bodyOf(found);
      const ageMs = Math.max(0, servedAtMs - (found.LastModified?.getTime() ?? servedAtMs));
      return { body, etag: found.ETag ?? "", ageMs };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };

  const put = async (key: string, body: string, etag?: string): Promise<WriteOutcome> => {
    const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const written = await client.send(
          new PutObjectCommand({ ...target(key), ...condition, Body: body, ContentType: "application/json" }),
        );
        return { etag: written.ETag ?? "" };
      } catch (error) {
        if (statusOf(error) === 409 && attempt < conflictAttempts) {
          await sleep(50 * 2 ** attempt * Math.random());
          continue;
        }
        if (!isLost(error)) throw error;
        // The SDK may have retried after a lost reply, so the stored object may be from its own first attempt.
        const found = await get(key);
        return found?.body === body ? { etag: found.etag } : "lost";
      }
    }
  };

  const remove = async (key: string, etag: string): Promise<boolean> => {
    try {
      await client.send(new DeleteObjectCommand({ ...target(key), IfMatch: etag }));
      return true;
    } catch (error) {
      if (isMissing(error)) return true;
      if (!isLost(error)) throw error;
      return (await get(key)) === undefined;
    }
  };

  return { location: `s3://${bucket}`, get, put, remove };
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

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

function dateHeader(response: unknown): number | undefined {
  if (typeof response !== "object" || response === null || !("headers" in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("date" in headers)) return undefined;
  const parsed = typeof headers.date === "string" ? Date.parse(headers.date) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}
