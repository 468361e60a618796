import { randomUUID } from "node:crypto";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { isConflict, isNotFound, isNotSupported, isPreconditionFailed } from "../../aws/errors.ts";
import { BerthError } from "../../errors.ts";
import { poll, type Look } from "../../poll.ts";
import type { WriteOutcome } from "../../../state/object-store.ts";
import { openS3Store } from "../../../state/s3-store.ts";
import type { WriteContext } from "../../contract/resource.ts";
import { deleteForGood } from "./bucket-contents.ts";

const visibleTimeoutMs = 5 * 60_000;
/** S3 has many replicas, and one good answer says nothing about the others. */
const readsAtOnce = 3;

/**
 * Proves, once for a new bucket, that it keeps the conditions on which state and lease rely, and waits until it shows
 * new objects reliably. Some servers that speak S3's protocol ignore conditions. There, two runs could hold the lease.
 *
 * @throws BerthError `StoreUnconditional`.
 */
export async function proveConditions(ctx: WriteContext, bucket: string): Promise<void> {
  const key = `probe/${randomUUID()}`;
  const on = { Bucket: bucket, Key: key, ExpectedBucketOwner: ctx.account };
  const { s3 } = ctx.clients;
  const put = (Body: string, condition: { IfNoneMatch: string } | { IfMatch: string }) =>
    s3.send(new PutObjectCommand({ ...on, ...condition, Body }));

  const store = openS3Store({ client: s3, bucket, account: ctx.account });
  const first = await onceWritten(ctx, bucket, () => store.put(key, "first"));
  await mustRefuse(bucket, "to create an object that exists", () => put("again", { IfNoneMatch: "*" }));
  const second = await onceWritten(ctx, bucket, () => store.put(key, "second", first));
  await Promise.all([
    mustRefuse(bucket, "to replace a version that was replaced", () => put("third", { IfMatch: first })),
    mustRefuse(bucket, "to delete a version that was replaced", () =>
      s3.send(new DeleteObjectCommand({ ...on, IfMatch: first })),
    ),
  ]);
  await untilSteady(ctx, { bucket, key, etag: second });
  await deleteForGood(ctx, bucket, { key, etag: second });
}

/** Writes to a key that is this run's alone: if the write is lost, the bucket isn't visible everywhere yet. */
function onceWritten(ctx: WriteContext, bucket: string, put: () => Promise<WriteOutcome>): Promise<string> {
  const look = async (): Promise<Look<string>> => {
    const written = await put();
    return written === "lost"
      ? { waiting: `bucket ${bucket} doesn't take what is written yet` }
      : { done: written.etag };
  };
  return poll(ctx, { what: `bucket ${bucket} to take what is written`, timeoutMs: visibleTimeoutMs, look });
}

async function mustRefuse(bucket: string, what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    // A missing object is no success either: S3 doesn't show it yet.
    if (isPreconditionFailed(error) || isConflict(error) || isNotFound(error)) return;
    if (isNotSupported(error)) throw unconditional(bucket, what, error);
    throw error;
  }
  throw unconditional(bucket, what);
}

async function untilSteady(
  ctx: WriteContext,
  { bucket, key, etag }: { bucket: string; key: string; etag: string },
): Promise<void> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, ExpectedBucketOwner: ctx.account });
  const isShown = async () => {
    try {
      const { ETag, Body } = await ctx.clients.s3.send(command);
      await Body?.transformToString();
      return ETag === etag;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  const look = async (): Promise<Look<true>> => {
    const shown = await Promise.all(Array.from({ length: readsAtOnce }, isShown));
    return shown.every(Boolean)
      ? { done: true }
      : { waiting: `bucket ${bucket} doesn't show new objects everywhere yet` };
  };
  await poll(ctx, {
    what: `bucket ${bucket} to show new objects`,
    timeoutMs: visibleTimeoutMs,
    look,
  });
}

function unconditional(bucket: string, what: string, cause?: unknown): BerthError {
  const reason = cause instanceof Error ? ` (it answers ${cause.name})` : "";
  return new BerthError({
    code: "StoreUnconditional",
    message: `the S3 of bucket ${bucket} doesn't refuse ${what}${reason}, so two runs could hold the lease at once`,
    hint: "use AWS's own S3 or another that checks If-None-Match and If-Match, also for deletes; or set state.backend to file in berth.yaml",
    cause,
  });
}
