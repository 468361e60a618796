import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { newDocument } from "../../state/document.ts";
import { takeLease } from "../../state/lease/lease.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { listVersions, readVersions } from "../../state/repair/history.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { openTwoRoutes } from "../strict-aws/account.ts";

const late = { reads: 0, tags: 0, objects: 3, deletions: 0 };
const { aws, strict, bare } = await openTwoRoutes({ lateBuckets: late, deleteMarkers: true });
const account = "123456789012";
let buckets = 0;

/** A bucket whose versioning has just been switched on, and a store in it. */
async function openNew(patienceMs = 600_000): Promise<{ store: ObjectStore; bucket: string }> {
  const bucket = `late-${(buckets += 1)}`;
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
  await strict.s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await strict.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  return { store: openS3Store({ client: strict.s3, bucket, account, patienceMs }), bucket };
}

const missing = () => aws.calls.filter(({ outcome }) => outcome === "NoSuchKey").length;

test("late objects: what this run wrote is looked for until S3 shows it", async () => {
  const { store } = await openNew();
  const before = missing();
  await store.put("state.json", "first");

  assert.equal((await store.get("state.json"))?.body, "first");
  assert.equal(missing() - before, 3);
});

test("late objects: a write over a version that this run holds is no loss", async () => {
  const { store } = await openNew();
  const first = await store.put("state.json", "first");
  assert.ok(first !== "lost");
  const before = missing();

  const second = await store.put("state.json", "second", first.etag);

  assert.notEqual(second, "lost");
  assert.ok(missing() > before);
  assert.equal((await store.get("state.json"))?.body, "second");
});

test("late objects: a removal of the version that this run holds removes it", async () => {
  const { store, bucket } = await openNew();
  const made = await store.put("lease.json", "mine");
  assert.ok(made !== "lost");

  assert.equal(await store.remove("lease.json", made.etag), true);

  const direct = openS3Store({ client: bare.s3, bucket, account });
  assert.equal(await direct.get("lease.json"), undefined);
});

test("late objects: a lease is renewed and released as usual", async () => {
  const { store, bucket } = await openNew();
  const before = missing();
  const lease = await takeLease(store, { operation: "up", ttlMs: 10 });

  // More than the lease's lifetime passes before the next renewal, so this renews.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await lease.assertHeld();
  await lease.release();

  assert.ok(missing() > before);
  const direct = openS3Store({ client: bare.s3, bucket, account });
  assert.equal(await direct.get("lease.json"), undefined);
});

test("late objects: one that somebody removed is not waited for, and no longer there", async () => {
  const { store, bucket } = await openNew();
  const made = await store.put("state.json", "first");
  assert.ok(made !== "lost");
  await store.get("state.json");
  await bare.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "state.json" }));

  assert.equal(await store.put("state.json", "second", made.etag), "lost");
  assert.equal(await store.get("state.json"), undefined);
});

test("late objects: a version that is listed is read once S3 shows it", async () => {
  const { store, bucket } = await openNew();
  const scope = { stack: "hello", account, region: "eu-central-1" };
  await store.put("state.json", JSON.stringify(newDocument(scope)));
  const location = { client: strict.s3, bucket, account };
  const before = missing();

  const read = await readVersions(location, scope, await listVersions(location));

  assert.deepEqual(
    read.map(({ document }) => document?.stack),
    ["hello"],
  );
  assert.equal(missing() - before, 3);
});

test("late objects: one that never shows is given up", async () => {
  const { store } = await openNew(0);
  const made = await store.put("state.json", "first");
  assert.ok(made !== "lost");

  assert.equal(await store.put("state.json", "second", made.etag), "lost");
});
