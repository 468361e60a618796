import { randomUUID } from "node:crypto";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { isConflict, isNotFound, isNotSupported, isPreconditionFailed } from "../../aws/errors.ts";
import { BerthError } from "../../errors.ts";
import { poll, retry, type Look } from "../../poll.ts";
import type { WriteContext } from "../../contract/resource.ts";
import { deleteForGood } from "./bucket-contents.ts";

const visibleTimeoutMs = 5 * 60_000;
/** S3 has many replicas, and one good answer says nothing about the others. */
const readsInARow = 3;

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

  const write = async (...[body, condition]: Parameters<typeof put>): Promise<string> => {
    try {
      return (await put(body, condition)).ETag ?? "";
    } catch (error) {
      if (!isPreconditionFailed(error)) throw error;
      // The key is this run's alone: the SDK may have tried again after a lost reply to its own first attempt.
      const found = await s3.send(new GetObjectCommand(on));
      if ((await found.Body?.transformToString()) !== body) throw error;
      return found.ETag ?? "";
    }
  };

  const first = await onceShown(ctx, bucket, () => write("first", { IfNoneMatch: "*" }));
  await mustRefuse(bucket, "to create an object that exists", () => put("again", { IfNoneMatch: "*" }));
  const second = await onceShown(ctx, bucket, () => write("second", { IfMatch: first }));
  await mustRefuse(bucket, "to replace a version that was replaced", () => put("third", { IfMatch: first }));
  await mustRefuse(bucket, "to delete a version that was replaced", () =>
    s3.send(new DeleteObjectCommand({ ...on, IfMatch: first })),
  );
  await untilSteady(ctx, { bucket, key, etag: second });
  await deleteForGood(ctx, bucket, { key, etag: second });
}

function onceShown<T>(ctx: WriteContext, bucket: string, attempt: () => Promise<T>): Promise<T> {
  return retry(ctx, {
    what: `bucket ${bucket} to show what is written`,
    timeoutMs: visibleTimeoutMs,
    retryOn: (error) => isNotFound(error) || isConflict(error),
    attempt,
  });
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
    for (let read = 0; read < readsInARow; read += 1)
      if (!(await isShown())) return { waiting: `bucket ${bucket} doesn't show new objects everywhere yet` };
    return { done: true };
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
