import assert from "node:assert/strict";
import { it } from "node:test";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { hostReportKey, releaseKey } from "../../lib/release.ts";
import { releaseResource } from "../../lib/resources/release.ts";
import { localAccount } from "../../lib/local/emulators.ts";
import { openTwoRoutes, region } from "../behaving-aws/account.ts";
import { newIdentity } from "./account.ts";

const { strict, bare } = await openTwoRoutes({ pagination: { size: 1 } });
const Bucket = "berth-release";
const LocationConstraint = region;
await bare.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));

const put = (Key: string, body: object) =>
  bare.s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(body) }));

it("reads what every host says, however many pages that is", async () => {
  const at = new Date(0).toISOString();
  const rest = {
    image: "an-image",
    port: 80,
    replicas: 1,
    environment: {},
    memoryMib: 64,
    at,
    by: "somebody",
  };
  await put(releaseKey, { number: 2, ...rest });
  for (const instance of ["i-1", "i-2", "i-3"]) {
    await put(hostReportKey(instance), { instance, release: 2, status: "serving", at });
  }
  const resource = releaseResource({
    bucket: Bucket,
    by: "somebody",
    patienceMs: 0,
    diagnose: () => Promise.resolve([]),
  });
  const ctx = {
    clients: strict,
    account: localAccount,
    region,
    signal: new AbortController().signal,
    note: () => undefined,
  };
  const facts = await resource.find(ctx, newIdentity("release"));
  assert.deepEqual([...(facts?.reports.keys() ?? [])], ["i-1", "i-2", "i-3"]);
});
