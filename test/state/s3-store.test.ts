import { CreateBucketCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { takeLease } from "../../state/lease/lease.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";
import { leaseSuite } from "../contracts/lease-suite.ts";
import { objectStoreSuite } from "../contracts/object-store-suite.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-s3-store-"));
const aws = await startStrictAws({ logDirectory });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});
const { endpoints, bare, credentials } = aws;
const account = "123456789012";
const connect = () => createClients({ region: "us-east-1", endpoints, credentials, maxAttempts: 2 }).s3;
// Behind the rules: the buckets were made long ago. late-objects.test.ts tests a new one.
const earlier = createClients({ region: "us-east-1", endpoints: bare, credentials, maxAttempts: 2 }).s3;
let buckets = 0;

async function open(): Promise<[ObjectStore, ObjectStore]> {
  const bucket = `store-${(buckets += 1)}`;
  await earlier.send(new CreateBucketCommand({ Bucket: bucket }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await earlier.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  return [
    openS3Store({ client: connect(), bucket, account }),
    openS3Store({ client: connect(), bucket, account }),
  ];
}

objectStoreSuite("s3 store", open);
leaseSuite("lease in s3", open);

test("s3 store: nothing is stored where there is no bucket", async () => {
  const store = openS3Store({ client: connect(), bucket: "nowhere", account });

  assert.equal(await store.get("state.json"), undefined);
});

test("lease in s3: where the bucket went with the last holder, it is given up and told", async () => {
  const store = openS3Store({ client: connect(), bucket: "nowhere", account });
  const signal = AbortSignal.timeout(120_000);

  const taking = takeLease(store, { operation: "up", ttlMs: 400, waitMs: 60_000, signal });

  await assert.rejects(taking, { code: "StoreGone", exitCode: 4 });
});
