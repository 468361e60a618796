import { CreateBucketCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClients } from "../../lib/aws/clients.ts";
import { borrowEmulators } from "../local/borrowed-emulators.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { leaseSuite } from "../contracts/lease-suite.ts";
import { objectStoreSuite } from "../contracts/object-store-suite.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-s3-store-"));
const emulators = await borrowEmulators({ logDirectory, ecr: false });
after(async () => {
  await emulators[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});
const { endpoints, credentials } = emulators;
const account = "123456789012";
const connect = () => createClients({ region: "us-east-1", endpoints, credentials, maxAttempts: 2 }).s3;
let buckets = 0;

async function open(): Promise<[ObjectStore, ObjectStore]> {
  const bucket = `store-${(buckets += 1)}`;
  await connect().send(new CreateBucketCommand({ Bucket: bucket }));
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
