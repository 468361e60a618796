import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import { takeLease } from "../../state/lease/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openTwoRoutes } from "../strict-aws/account.ts";

// S3 says of every new object that there is no such key, for longer than a run tries.
const { aws, strict, bare } = await openTwoRoutes({
  lateBuckets: { reads: 0, tags: 0, objects: 1_000, deletions: 0 },
});
const account = "123456789012";
const operation = "up";
const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };

const storeIn = (bucket: string) => openS3Store({ client: strict.s3, bucket, account, patienceMs: 0 });
const answers = (code: string) => aws.calls.filter(({ outcome }) => outcome === code).length;

test("store gone: of a bucket that is there, no missing key is told as that", async () => {
  const bucket = "hidden-lease";
  await strict.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await strict.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  const store = storeIn(bucket);
  assert.equal(await store.get("lease.json"), undefined);
  const other = await takeLease(storeIn(bucket), { operation, ttlMs: 600_000 });

  await assert.rejects(takeLease(store, { operation }), { code: "LeaseHeld", exitCode: 4 });

  assert.ok(answers("NoSuchKey") >= 5);
  assert.equal(answers("NoSuchBucket"), 0);
  assert.equal(await store.exists(), true);
  await other.release().catch(() => undefined);
});

test("store gone: it is told where there is no such bucket", async () => {
  const bucket = "gone-with-its-lease";
  await bare.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const store = storeIn(bucket);
  const lease = await takeLease(store, { operation, ttlMs: 600_000 });
  await bare.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "lease.json" }));
  await bare.s3.send(new DeleteBucketCommand({ Bucket: bucket }));

  await assert.rejects(takeLease(storeIn(bucket), { operation }), { code: "StoreGone", exitCode: 4 });

  assert.ok(answers("NoSuchBucket") >= 5);
  assert.equal(await store.exists(), false);
  await lease.release().catch(() => undefined);
});
