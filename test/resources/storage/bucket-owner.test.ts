import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  ListObjectVersionsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketName } from "../../../lib/aws/names.ts";
import { poll } from "../../../lib/poll.ts";
import { releaseKey } from "../../../lib/release/document.ts";
import { bucket } from "../../../lib/resources/storage/bucket.ts";
import { updateBucket } from "../../../lib/resources/storage/bucket-changes.ts";
import { deleteForGood, emptyBucket } from "../../../lib/resources/storage/bucket-contents.ts";
import { readBucket } from "../../../lib/resources/storage/bucket-settings.ts";
import { releaseResource } from "../../../lib/resources/delivery/release.ts";
import { newDocument } from "../../../state/document.ts";
import { listVersions, readVersions } from "../../../state/repair/history.ts";
import { openS3Store } from "../../../state/s3-store.ts";
import { matches, sources } from "../../docs/tree.ts";
import { newIdentity, openAccount } from "../account.ts";
import { recordSent } from "../sent-calls.ts";
import { untilShown } from "./shown-bucket.ts";
import { packAgent } from "../../../lib/host/bundle.ts";
import { agentResource } from "../../../lib/resources/delivery/agent.ts";
import type { Identity } from "../../../lib/contract/resource.ts";

const { ctx, stranger } = await openAccount();
const sent = recordSent(ctx.clients);
const region = ctx.region;
// These two are about no bucket that is there already: the one makes it, the other lists one's own.
const withoutOwner = new Set(["CreateBucket", "ListBuckets"]);

const releases = (name: string) =>
  releaseResource({ bucket: name, by: "test", patienceMs: 0, diagnose: () => Promise.resolve([]) });
const agents = (name: string) => agentResource({ bucket: name, bundle: packAgent(), by: "test" });
const settings = [
  "public-access",
  "ownership",
  "policy",
  "versioning",
  "encryption",
  "lifecycle",
  "tags",
].map((field) => ({ field, desired: "a", observed: "b", action: "update" as const }));

async function makeBucket() {
  const identity = newIdentity("bucket");
  const name = bucketName(ctx, identity);
  await bucket.create(ctx, identity, { name });
  const observed = await untilShown(ctx, identity, name);
  return {
    identity,
    name,
    observed,
    change: { identity, desired: { name }, observed, differences: settings },
  };
}

const write = (Bucket: string, Key: string, Body = "{}") =>
  stranger.s3.send(new PutObjectCommand({ Bucket, Key, Body }));

/** An agent in the place of one that nobody needs any longer. */
async function publishTwo(name: string, identity: Identity): Promise<void> {
  await write(name, `agent/${"0".repeat(64)}.tar.gz`);
  await agents(name).create(ctx, identity, { bucket: name, bundle: packAgent() });
  // The bucket is new, so S3 may show the agent late.
  const observed = await poll(ctx, {
    what: "the agent",
    timeoutMs: 60_000,
    look: async () => {
      const done = await agents(name).find(ctx, identity);
      return done === undefined ? { waiting: "there is no agent yet" } : { done };
    },
  });
  const change = { identity, desired: { bucket: name, bundle: packAgent() }, observed, differences: [] };
  await agents(name).update(ctx, change);
}

describe("every call on a bucket", () => {
  it("says whose it must be, from the first look to its end", async () => {
    const { identity, name, change } = await makeBucket();
    const scope = { stack: "hello", account: ctx.account, region };
    const location = { client: ctx.clients.s3, bucket: name, account: ctx.account };
    const store = openS3Store(location);
    sent.length = 0;

    await bucket.find(ctx, identity, name);
    await updateBucket(ctx, change);
    await bucket.list(ctx, identity.stack);
    await store.put("state.json", JSON.stringify(newDocument(scope)));
    await readVersions(location, scope, await listVersions(location));
    await write(name, "hosts/i-1.json");
    await releases(name).find(ctx, identity);
    await publishTwo(name, identity);
    await write(name, "lease.json");
    await emptyBucket(ctx, name, { keep: "lease.json" });
    const etag = (await store.get("lease.json"))?.etag ?? "";
    await write(name, "lease.json");
    await deleteForGood(ctx, name, { key: "lease.json", etag });
    await deleteForGood(ctx, name, { key: "lease.json", etag: (await store.get("lease.json"))?.etag ?? "" });
    await store.put("state.json", "{}");
    await store.remove("state.json", (await store.get("state.json"))?.etag ?? "");
    await bucket.remove(ctx, name);

    const careless = sent.filter(
      ({ operation, input }) => !withoutOwner.has(operation) && input["ExpectedBucketOwner"] !== ctx.account,
    );
    assert.deepEqual(careless, []);
    const inCode = matches(
      await sources("lib/resources", "state"),
      /\b(?:new |paginate)([A-Z]\w+?)(?:Command)?\(/g,
    );
    const onBuckets = inCode.filter((operation) => /Bucket|Object|PublicAccessBlock/.test(operation));
    const seen = new Set(sent.map(({ operation }) => operation));
    assert.deepEqual(
      onBuckets.filter((operation) => !seen.has(operation) && !withoutOwner.has(operation)),
      [],
      "calls that this test doesn't make",
    );
  });
});

describe("a bucket of another account", () => {
  it("is refused by every step, and stays as it is", async () => {
    const { identity, name, observed, change } = await makeBucket();
    await stranger.s3.send(
      new PutBucketTaggingCommand({ Bucket: name, Tagging: { TagSet: [{ Key: "Theirs", Value: "yes" }] } }),
    );
    await write(name, "theirs");
    const { ETag = "" } = await write(name, releaseKey);
    // Whoever runs this is of another account than the one that the bucket is of.
    const there = { ...ctx, account: "999999999999" };

    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      read: () => readBucket(there, name),
      empty: () => emptyBucket(there, name),
      delete: () => deleteForGood(there, name, { key: releaseKey, etag: ETag }),
      remove: () => bucket.remove(there, name),
      release: () => releases(name).find(there, identity),
      agent: () => agents(name).create(there, identity, { bucket: name, bundle: packAgent() }),
      ...Object.fromEntries(
        settings.map((one) => [
          one.field,
          () =>
            updateBucket(there, {
              ...change,
              observed: { ...observed, policy: undefined },
              differences: [one],
            }),
        ]),
      ),
    };
    for (const [what, step] of Object.entries(steps))
      await assert.rejects(step, { name: "AccessDenied" }, what);

    const { TagSet } = await stranger.s3.send(new GetBucketTaggingCommand({ Bucket: name }));
    assert.deepEqual(TagSet, [{ Key: "Theirs", Value: "yes" }]);
    const { Versions = [] } = await stranger.s3.send(new ListObjectVersionsCommand({ Bucket: name }));
    assert.deepEqual(
      Versions.map(({ Key }) => Key),
      [releaseKey, "theirs"],
    );
  });

  it("is told from one of the caller's own that may not be read: of that, AWS's own words are told", async () => {
    const identity = newIdentity("bucket");
    const there = { ...ctx, account: "999999999999" };
    const name = bucketName(there, identity);
    const CreateBucketConfiguration = { LocationConstraint: "eu-central-1" as const };
    await stranger.s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration }));

    await assert.rejects(bucket.find(there, identity), { name: "AccessDenied" });
  });
});
