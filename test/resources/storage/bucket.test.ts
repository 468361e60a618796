import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { Clients } from "../../../lib/aws/clients.ts";
import { bucketName } from "../../../lib/aws/names.ts";
import { isDenied } from "../../../lib/aws/errors.ts";
import { parsePolicy } from "../../../lib/aws/policy-document.ts";
import { fromTagList, toTagList } from "../../../lib/aws/tags.ts";
import { stackTag, type Tags } from "../../../lib/owner.ts";
import { bucket } from "../../../lib/resources/storage/bucket.ts";
import { deleteForGood, emptyBucket } from "../../../lib/resources/storage/bucket-contents.ts";
import type { Identity, WriteContext } from "../../../lib/contract/resource.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";
import { shownBucket, untilShown } from "./shown-bucket.ts";

const account = await openAccount();
const { ctx, stranger } = account;

async function tagsOf({ s3 }: Clients, id: string): Promise<Tags> {
  return fromTagList((await s3.send(new GetBucketTaggingCommand({ Bucket: id }))).TagSet);
}

const setTags = ({ s3 }: Clients, id: string, tags: Tags) =>
  s3.send(new PutBucketTaggingCommand({ Bucket: id, Tagging: { TagSet: toTagList(tags) } }));

resourceSuite({
  account,
  resource: shownBucket,
  prepare: async (identity) => ({ name: bucketName(ctx, identity) }),
  creation: ["CreateBucket"],
  tagger: {
    add: async (clients, { id }, tags) => setTags(clients, id, { ...(await tagsOf(clients, id)), ...tags }),
    take: async (clients, { id }, keys) => {
      const left = Object.entries(await tagsOf(clients, id)).filter(([key]) => !keys.includes(key));
      return setTags(clients, id, Object.fromEntries(left));
    },
  },
  drifts: [
    {
      field: "public-access",
      act: ({ s3 }, { id }) => s3.send(new DeletePublicAccessBlockCommand({ Bucket: id })),
    },
    {
      field: "public-access",
      act: ({ s3 }, { id }) =>
        s3.send(
          new PutPublicAccessBlockCommand({
            Bucket: id,
            PublicAccessBlockConfiguration: {
              BlockPublicAcls: true,
              IgnorePublicAcls: true,
              BlockPublicPolicy: false,
              RestrictPublicBuckets: true,
            },
          }),
        ),
    },
    {
      field: "ownership",
      act: ({ s3 }, { id }) =>
        s3.send(
          new PutBucketOwnershipControlsCommand({
            Bucket: id,
            OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
          }),
        ),
    },
    {
      field: "versioning",
      act: ({ s3 }, { id }) =>
        s3.send(
          new PutBucketVersioningCommand({ Bucket: id, VersioningConfiguration: { Status: "Suspended" } }),
        ),
    },
    {
      field: "encryption",
      act: ({ s3 }, { id }) =>
        s3.send(
          new PutBucketEncryptionCommand({
            Bucket: id,
            ServerSideEncryptionConfiguration: {
              Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
            },
          }),
        ),
    },
    { field: "policy", act: ({ s3 }, { id }) => s3.send(new DeleteBucketPolicyCommand({ Bucket: id })) },
    {
      field: "lifecycle",
      act: ({ s3 }, { id }) => s3.send(new DeleteBucketLifecycleCommand({ Bucket: id })),
    },
    {
      field: "lifecycle",
      act: ({ s3 }, { id }) =>
        s3.send(
          new PutBucketLifecycleConfigurationCommand({
            Bucket: id,
            LifecycleConfiguration: { Rules: [{ ...lifecycleOf(1), ID: "berth-old-versions" }] },
          }),
        ),
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "another" }) },
});

function lifecycleOf(days: number) {
  return {
    ID: "theirs",
    Status: "Enabled",
    Filter: { Prefix: "hosts/" },
    NoncurrentVersionExpiration: { NoncurrentDays: days },
  } as const;
}

async function makeBucket(context: WriteContext, identity: Identity): Promise<string> {
  const desired = { name: bucketName(context, identity) };
  const id = await bucket.create(context, identity, desired);
  const observed = await untilShown(context, identity, id);
  await bucket.update(context, {
    identity,
    desired,
    observed,
    differences: bucket.differences(identity, desired, observed),
  });
  return id;
}

test("bucket: AWS protects and encrypts a new one by itself, so this takes no write", async () => {
  const identity = newIdentity("bucket");
  const desired = { name: bucketName(ctx, identity) };
  const id = await bucket.create(ctx, identity, desired);

  const observed = await untilShown(ctx, identity, id);

  const named = bucket.differences(identity, desired, observed).map(({ field }) => field);
  assert.deepEqual(named, ["versioning", "policy", "lifecycle"]);
});

test("bucket: AWS's own key takes over where somebody deletes the choice of a key", async () => {
  const identity = newIdentity("bucket");
  const id = await makeBucket(ctx, identity);

  await stranger.s3.send(new DeleteBucketEncryptionCommand({ Bucket: id }));

  const observed = await bucket.find(ctx, identity, id);
  assert.ok(observed);
  assert.deepEqual(bucket.differences(identity, { name: id }, observed), []);
});

test("bucket: its denial is spelled as an S3 that compares the case of actions understands it", async () => {
  const id = await makeBucket(ctx, newIdentity("bucket"));
  const { s3 } = stranger;
  await s3.send(new PutObjectCommand({ Bucket: id, Key: "state.json", Body: "x" }));
  const look = () => s3.send(new GetObjectCommand({ Bucket: id, Key: "state.json" }));
  const { Policy = "" } = await s3.send(new GetBucketPolicyCommand({ Bucket: id }));
  await look();

  // The emulator compares the case. Without the condition, the statement denies calls over TLS too.
  const always = parsePolicy(Policy)?.Statement.map((one) => ({ ...one, Condition: undefined }));
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket: id,
      Policy: JSON.stringify({ Statement: always, Version: "2012-10-17" }),
    }),
  );

  await assert.rejects(look(), isDenied);
});

test("bucket: statements and rules that a user added stay", async () => {
  const identity = newIdentity("bucket");
  const id = await makeBucket(ctx, identity);
  const { s3 } = stranger;
  const theirs = {
    Sid: "Theirs",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:DeleteBucket",
    Resource: `arn:aws:s3:::${id}`,
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [theirs] });
  await s3.send(new PutBucketPolicyCommand({ Bucket: id, Policy }));
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: id,
      LifecycleConfiguration: { Rules: [lifecycleOf(5)] },
    }),
  );

  const observed = await bucket.find(ctx, identity, id);
  assert.ok(observed);
  const differences = bucket.differences(identity, { name: id }, observed);
  await bucket.update(ctx, { identity, desired: { name: id }, observed, differences });

  assert.deepEqual(
    differences.map((one) => one.field),
    ["policy", "lifecycle"],
  );
  const policy = (await s3.send(new GetBucketPolicyCommand({ Bucket: id }))).Policy ?? "";
  assert.ok(policy.includes("Theirs") && policy.includes("aws:SecureTransport"));
  const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: id }));
  assert.deepEqual(new Set(Rules.map((rule) => rule.ID)), new Set(["berth-old-versions", "theirs"]));
});

test("bucket: it goes with all versions and delete markers in it", async () => {
  const { s3 } = stranger;
  const id = await makeBucket(ctx, newIdentity("bucket"));
  for (const Body of ["first", "second"])
    await s3.send(new PutObjectCommand({ Bucket: id, Key: "state.json", Body }));
  await s3.send(new DeleteObjectCommand({ Bucket: id, Key: "state.json" }));

  await bucket.remove(ctx, id);

  const { Buckets = [] } = await s3.send(new ListBucketsCommand({ Prefix: id }));
  assert.deepEqual(Buckets, []);
});

test("bucket: more than one batch of objects is emptied batch by batch", async () => {
  const { s3 } = stranger;
  const id = await makeBucket(ctx, newIdentity("bucket"));
  const keys = Array.from({ length: 25 }, (_, index) => `hosts/${index}.json`);
  await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket: id, Key, Body: "x" }))));
  const before = account.calls.length;

  await emptyBucket(ctx, id, { batchSize: 10 });

  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: id }));
  assert.deepEqual(Versions, []);
  const deletions = account.calls.slice(before).filter((call) => call.operation === "DeleteObjects");
  assert.equal(deletions.length, 3);
});

for (const batchSize of [1, 2, 1000]) {
  test(`bucket: emptied but for the current version of one key, in batches of ${batchSize}`, async () => {
    const { s3 } = stranger;
    const id = await makeBucket(ctx, newIdentity("bucket"));
    for (const Key of ["a", "lease", "lease", "z", "lease", "z", "a"])
      await s3.send(new PutObjectCommand({ Bucket: id, Key, Body: "x" }));
    await s3.send(new DeleteObjectCommand({ Bucket: id, Key: "z" }));

    await emptyBucket(ctx, id, { keep: "lease", batchSize });

    const left = await s3.send(new ListObjectVersionsCommand({ Bucket: id }));
    assert.deepEqual(left.DeleteMarkers, undefined);
    assert.deepEqual(
      left.Versions?.map(({ Key, IsLatest }) => [Key, IsLatest]),
      [["lease", true]],
    );
  });
}

for (const batchSize of [1, 1000]) {
  test(`bucket: an object goes for good with its older versions, read in batches of ${batchSize}, unless somebody wrote a newer one`, async () => {
    const { s3 } = stranger;
    const id = await makeBucket(ctx, newIdentity("bucket"));
    const key = "lease";
    const write = (Body: string) => s3.send(new PutObjectCommand({ Bucket: id, Key: key, Body }));
    const countVersions = async () =>
      (await s3.send(new ListObjectVersionsCommand({ Bucket: id }))).Versions?.length ?? 0;
    await write("before");
    const { ETag: mine = "" } = await write("mine");
    const { ETag: theirs = "" } = await write("theirs");

    await deleteForGood(ctx, id, { key, etag: mine, batchSize });
    assert.equal(await countVersions(), 3);
    await deleteForGood(ctx, id, { key, etag: theirs, batchSize });
    assert.equal(await countVersions(), 0);
  });
}

test("bucket: in us-east-1 it is made without naming the region", async () => {
  const identity = newIdentity("bucket");
  const there = account.elsewhere("us-east-1");

  const id = await makeBucket(there, identity);

  assert.deepEqual(await bucket.list(there, identity.stack), [{ id, name: "bucket", generation: 1 }]);
});

test("bucket: made twice, as after a lost reply, it is one", async () => {
  for (const there of [ctx, account.elsewhere("us-east-1")]) {
    const identity = newIdentity("bucket");
    const name = bucketName(there, identity);
    await bucket.create(there, identity, { name });

    assert.equal(await bucket.create(there, identity, { name }), name);
    await untilShown(there, identity, name);
    assert.equal((await bucket.find(there, identity))?.id, name);
  }
});

test("bucket: one that a stranger gave the name to is refused, recorded or not, and its tags stay", async () => {
  const identity = newIdentity("bucket");
  const name = bucketName(ctx, identity);
  const { s3 } = stranger;
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
    }),
  );

  for (const known of [undefined, name]) {
    await assert.rejects(bucket.find(ctx, identity, known), { code: "ForeignResource" });
  }
  await setTags(stranger, name, { [stackTag]: "theirs" });
  await bucket.create(ctx, identity, { name });
  assert.deepEqual(await tagsOf(stranger, name), { [stackTag]: "theirs" });
});
