import assert from "node:assert/strict";
import { it } from "node:test";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { Clients } from "../../../lib/aws/clients.ts";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { openS3Store } from "../../../state/s3-store.ts";
import { openTwoRoutes, region } from "../account.ts";

const { strict, bare, aws } = await openTwoRoutes({ objectAge: 1000 });

it("lets objects grow old faster, and none of them younger than new", async () => {
  const bucket = "aging";
  const LocationConstraint = region;
  await bare.s3.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } }),
  );
  await bare.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "a", Body: "a" }));
  const ageOf = async ({ s3 }: Clients) =>
    (await openS3Store({ client: s3, bucket, account: localAccount }).get("a"))?.ageMs ?? -1;
  // S3 gives times in whole seconds.
  let real = 0;
  while (real === 0) real = await ageOf(bare);
  assert.ok((await ageOf(strict)) >= 1000 * real);
});

it("makes old what is stored, and nothing that is written after it", async () => {
  const bucket = "put-forward";
  const store = openS3Store({ client: strict.s3, bucket, account: localAccount });
  const LocationConstraint = region;
  await bare.s3.send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } }),
  );
  await bare.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "old", Body: "a" }));
  await aws.ageObjects(3_600_000_000);
  await bare.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "new", Body: "b" }));
  assert.ok(((await store.get("old"))?.ageMs ?? 0) >= 3_600_000_000);
  assert.ok(((await store.get("new"))?.ageMs ?? Infinity) < 3_600_000_000);
});
