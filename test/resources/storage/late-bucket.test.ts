import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateBucketCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { bucketName } from "../../../lib/aws/names.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { converge } from "../../../lib/engine/converge.ts";
import { declare } from "../../../lib/engine/declaration.ts";
import { differences } from "../../../lib/engine/plan.ts";
import { bucket } from "../../../lib/resources/storage/bucket.ts";
import { newDocument } from "../../../state/document.ts";
import { Journal } from "../../../state/journal.ts";
import { silent } from "../../engine/run.ts";
import { newIdentity, openAccount, type Account } from "../account.ts";

const late = { reads: 3, tags: 2, objects: 2, deletions: 2 };

/** Makes the bucket as `up` does: creates it, and updates it until nothing differs. */
async function converged({ ctx }: Account, identity: Identity): Promise<string | undefined> {
  const scope = { stack: identity.stack, account: ctx.account, region: ctx.region };
  const document = newDocument(scope);
  const store = {
    location: "memory",
    load: () => Promise.resolve(undefined),
    save: () => Promise.resolve("etag"),
  };
  const desired = { name: bucketName(ctx, identity) };
  const declarations = [declare({ name: "bucket", resource: bucket, desired: () => desired })];
  const observations = new Map([["bucket", undefined]]);
  const found = await converge({
    ctx,
    declarations,
    observations,
    inputs: undefined,
    plan: differences({ declarations, observations, document, inputs: undefined }),
    journal: new Journal({ store, start: { document }, writer: "test", rescueFile: "/nowhere" }),
    identify: () => identity,
    progress: silent,
  });
  return found.get("bucket")?.observed.id;
}

const account = await openAccount({ rules: { lateBuckets: late, deleteMarkers: true } });

test("late bucket: one that S3 shows late, and at first without tags, is made like any other", async () => {
  const identity = newIdentity("bucket");

  const id = await converged(account, identity);

  assert.equal(id, bucketName(account.ctx, identity));
  const seen = new Set(account.calls.map(({ outcome }) => outcome));
  assert.ok(seen.has("NoSuchBucket") && seen.has("NoSuchTagSet") && seen.has("NoSuchKey"));
});

test("late bucket: the proof of a new bucket leaves nothing in it", async () => {
  const id = await converged(account, newIdentity("bucket"));

  const { Versions, DeleteMarkers } = await account.stranger.s3.send(
    new ListObjectVersionsCommand({ Bucket: id }),
  );
  assert.deepEqual([Versions, DeleteMarkers], [undefined, undefined]);
});

test("late bucket: one that was just removed is made again as soon as S3 lets the name go", async () => {
  const identity = newIdentity("bucket");
  const id = (await converged(account, identity)) ?? "";
  await bucket.remove(account.ctx, id);
  const before = account.calls.length;

  assert.equal(await converged(account, identity), id);

  const refused = account.calls.slice(before).filter(({ outcome }) => outcome === "OperationAborted");
  assert.equal(refused.length, 2);
});

test("late bucket: one that another run has just made isn't taken for a stranger's", async () => {
  const { ctx } = await openAccount({ rules: { lateBuckets: { ...late, reads: 0, tags: 1 } } });
  const identity = newIdentity("bucket");
  const name = bucketName(ctx, identity);
  await bucket.create(ctx, identity, { name });

  assert.equal((await bucket.find(ctx, identity))?.id, name);
});

test("late bucket: a stranger's is refused though it was made in between", async () => {
  const impatient = await openAccount();
  const ctx = { ...impatient.ctx, timings: { firstMs: 1, longestMs: 1, timeoutMs: 10 } };
  const identity = newIdentity("bucket");
  const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
  const order = { Bucket: bucketName(ctx, identity), CreateBucketConfiguration };
  await impatient.stranger.s3.send(new CreateBucketCommand(order));

  await assert.rejects(converged({ ...impatient, ctx }, identity), { code: "ForeignResource" });
});

for (const [operation, what] of [
  ["PutObject", "to create an object that exists"],
  ["DeleteObject", "to delete a version that was replaced"],
] as const) {
  test(`late bucket: an S3 that ignores the condition of ${operation} is refused, with the reason`, async () => {
    const lax = await openAccount({ rules: { ignoredConditions: [operation] } });
    const identity = newIdentity("bucket");

    for (const run of ["first", "again"]) {
      const made = run === "first" ? converged(lax, identity) : repaired(lax, identity);
      await assert.rejects(made, {
        code: "StoreUnconditional",
        message: new RegExp(`doesn't refuse ${what}, so two runs could hold the lease at once`),
      });
    }
  });
}

/** The next run finds the bucket, and changes what still differs. */
async function repaired({ ctx }: Account, identity: Identity): Promise<void> {
  const desired = { name: bucketName(ctx, identity) };
  const observed = await bucket.find(ctx, identity, desired.name);
  assert.ok(observed);
  const left = bucket.differences(identity, desired, observed);
  await bucket.update(ctx, { identity, desired, observed, differences: left });
}
