import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClients } from "../../lib/aws/clients.ts";
import { newDocument } from "../../state/document.ts";
import { findVersion, listVersions, readVersions } from "../../state/repair/history.ts";
import { openS3Store } from "../../state/s3-store.ts";
import { startStrictAws } from "../strict-aws/strict-aws.ts";

const logDirectory = await mkdtemp(join(tmpdir(), "berth-s3-conditions-"));
const aws = await startStrictAws({ logDirectory, rules: { objectAge: 1_000 } });
after(async () => {
  await aws[Symbol.asyncDispose]();
  await rm(logDirectory, { recursive: true, force: true });
});
afterEach(() => aws.faults.clear());
const { endpoints, bare, credentials } = aws;
const scope = { stack: "hello", account: "123456789012", region: "us-east-1" };
const { account, region } = scope;
const { s3: client } = createClients({ region, endpoints, credentials, maxAttempts: 3 });
const { s3: stranger } = createClients({ region, endpoints: bare, credentials });
let buckets = 0;

async function openBucket() {
  const bucket = `conditions-${(buckets += 1)}`;
  await stranger.send(new CreateBucketCommand({ Bucket: bucket }));
  const VersioningConfiguration = { Status: "Enabled" as const };
  await stranger.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  const put = (Key: string, Body: string) =>
    stranger.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  return {
    bucket,
    put,
    location: { client, bucket, account },
    store: openS3Store({ client, bucket, account }),
  };
}

describe("a bucket as a store", () => {
  it("tries again where two conditional writes met", async () => {
    const { store } = await openBucket();
    const met = aws.faults.once("s3:PutObject", "conflict");

    assert.notEqual(await store.put("state.json", "mine"), "lost");
    assert.equal(met.hits, 1);
    assert.equal((await store.get("state.json"))?.body, "mine");
  });

  it("knows its own write again whose reply got lost", async () => {
    const { store } = await openBucket();
    const lost = aws.faults.once("s3:PutObject", "after");

    const written = await store.put("state.json", "mine");

    assert.equal(lost.hits, 1);
    assert.deepEqual(written, { etag: (await store.get("state.json"))?.etag });
  });

  it("judges age by the clock of S3", async () => {
    const { store } = await openBucket();
    await store.put("lease.json", "beat");

    // In this S3 a second is a quarter of an hour; by this computer's clock the object stays young.
    let ageMs = 0;
    for (let look = 0; look < 30 && ageMs === 0; look += 1) {
      await sleep(100);
      ageMs = (await store.get("lease.json"))?.ageMs ?? 0;
    }
    assert.ok(ageMs >= 1_000_000, `age ${ageMs}`);
  });

  it("says JSON of what it stores", async () => {
    const { store, bucket } = await openBucket();
    await store.put("state.json", "{}");

    const found = await stranger.send(new HeadObjectCommand({ Bucket: bucket, Key: "state.json" }));
    assert.equal(found.ContentType, "application/json");
  });

  it("of another account is refused for every call, and nothing in it changes", async () => {
    const { put, bucket, location } = await openBucket();
    const { ETag = "" } = await put("state.json", "theirs");
    const other = { ...location, account: "999999999999" };
    const store = openS3Store(other);
    const version = { id: "1", at: "", isRemoval: false, isLatest: true };

    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      get: () => store.get("state.json"),
      create: () => store.put("another.json", "mine"),
      replace: () => store.put("state.json", "mine", ETag),
      remove: () => store.remove("state.json", ETag),
      "list versions": () => listVersions(other),
      "read a version": () => readVersions(other, scope, [version]),
    };
    for (const [what, call] of Object.entries(calls))
      await assert.rejects(call, { name: "AccessDenied" }, what);
    const { Versions = [] } = await stranger.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    assert.deepEqual(
      Versions.map(({ Key }) => Key),
      ["state.json"],
    );
  });
});

describe("the versions of the state document", () => {
  const body = (serial: number) => JSON.stringify({ ...newDocument(scope), serial });

  it("are all listed, however many pages that is, the newest first, and nothing else is", async () => {
    const { put, location, store } = await openBucket();
    for (const serial of [1, 2, 3]) await put("state.json", body(serial));
    await put("state.json.old", body(9));
    await put("release.json", "{}");
    const { etag = "" } = (await store.get("state.json")) ?? {};
    await store.remove("state.json", etag);
    await put("state.json", body(4));

    const versions = await listVersions(location);
    const read = await readVersions(location, scope, versions);

    assert.deepEqual(new Set(read.map(({ serial }) => serial)), new Set([4, 0, 3, 2, 1]));
    assert.equal(read.length, 5);
    assert.deepEqual([read[0]?.serial, read[0]?.isLatest], [4, true]);
    assert.deepEqual(
      read.filter(({ isRemoval }) => isRemoval).map(({ document, problem }) => [document, problem]),
      [[undefined, undefined]],
    );
    const times = versions.slice(1).map(({ at }) => at);
    assert.deepEqual(times, times.toSorted().toReversed());
  });

  it("are none where there is no bucket", async () => {
    assert.deepEqual(await listVersions({ client, bucket: "nowhere", account }), []);
  });

  it("are found by id or by serial, unless several have it", async () => {
    const { put, location } = await openBucket();
    for (const serial of [1, 2, 2]) await put("state.json", body(serial));
    const [newest] = await listVersions(location);
    const find = (wanted: string) => findVersion(location, scope, wanted);

    assert.equal((await find("1")).document?.serial, 1);
    assert.equal((await find(newest?.id ?? "")).document?.serial, 2);
    await assert.rejects(find("2"), {
      code: "NoSuchVersion",
      exitCode: 3,
      message: new RegExp(`several versions have the serial 2: .*${newest?.id ?? "?"}`),
    });
    await assert.rejects(find("7"), { code: "NoSuchVersion", message: /keeps no version 7 of state\.json/ });
  });

  it("that can't be used say why, and are found all the same", async () => {
    const { put, location } = await openBucket();
    await put("state.json", '{"version": 1, "serial": 12, "lin');
    const [newest] = await listVersions(location);

    const found = await findVersion(location, scope, newest?.id ?? "");

    assert.equal(found.problem?.code, "StateDamaged");
    assert.deepEqual([found.document, found.serial], [undefined, 12]);
  });
});
