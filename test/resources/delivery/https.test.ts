import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { HttpsContent } from "../../../lib/release/https.ts";
import { httpsResource } from "../../../lib/resources/delivery/https.ts";
import { newIdentity, openAccount } from "../account.ts";

const { ctx, stranger, calls } = await openAccount();
const Bucket = "berth-https";
const Key = "https.json";
const { s3 } = stranger;
const LocationConstraint = "eu-central-1";
await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));

const by = "arn:aws:iam::123456789012:user/somebody";
const resource = httpsResource({ bucket: Bucket, by });
const identity = newIdentity("https");
const first: HttpsContent = {
  isOn: true,
  address: "203.0.113.7",
  names: ["app.example.org", "www.example.org"],
  directory: "https://acme-v02.api.letsencrypt.org/directory",
  hstsSeconds: 300,
};

const put = (body: object | string) =>
  s3.send(
    new PutObjectCommand({ Bucket, Key, Body: typeof body === "string" ? body : JSON.stringify(body) }),
  );
const read = async (): Promise<Record<string, unknown>> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? "");
};

/** As the engine does it. Returns the writes that it took. */
async function converge(desired: HttpsContent): Promise<number> {
  const before = calls.length;
  if ((await resource.find(ctx, identity)) === undefined) await resource.create(ctx, identity, desired);
  const observed = (await resource.find(ctx, identity)) ?? assert.fail("it is not found");
  const differences = resource.differences(identity, desired, observed);
  if (differences.length > 0) await resource.update(ctx, { identity, desired, observed, differences });
  return calls.slice(before).filter(({ kind }) => kind === "write").length;
}

async function differencesTo(desired: HttpsContent): Promise<string[]> {
  const observed = (await resource.find(ctx, identity)) ?? assert.fail("it is not found");
  return resource
    .differences(identity, desired, observed)
    .map((one) => `${one.field}: ${one.observed} -> ${one.desired}`);
}

beforeEach(() => s3.send(new DeleteObjectCommand({ Bucket, Key })));

describe("what the hosts are told of HTTPS", () => {
  it("is one document, which says since when and by whom", async () => {
    assert.equal(await resource.find(ctx, identity), undefined);
    assert.equal(await converge(first), 1);

    const { at, ...rest } = await read();
    assert.deepEqual(rest, { ...first, by });
    assert.match(String(at), /^\d{4}-\d\d-\d\dT/);
  });

  it("takes no write when there is nothing to do", async () => {
    await converge(first);
    assert.equal(await converge(first), 0);
  });

  it("differs field by field, and is written as a whole", async () => {
    await converge(first);
    const other: HttpsContent = {
      isOn: false,
      address: "203.0.113.8",
      names: [],
      directory: "https://ca.example/directory",
      email: "admin@example.org",
      hstsSeconds: 0,
    };

    assert.deepEqual(await differencesTo(other), [
      "names: app.example.org, www.example.org -> ",
      "isOn: true -> false",
      "address: 203.0.113.7 -> 203.0.113.8",
      "directory: https://acme-v02.api.letsencrypt.org/directory -> https://ca.example/directory",
      "email: none -> admin@example.org",
      "hstsSeconds: 300 -> 0",
    ]);
    assert.equal(await converge(other), 1);
    assert.deepEqual(await differencesTo(other), []);
  });

  for (const [what, body] of [
    ["is no JSON", "{"],
    ["has no address", { ...first, address: "here", at: "now", by }],
    ["names too many", { ...first, names: Array.from({ length: 11 }, () => "a.example"), at: "now", by }],
  ] as const)
    it(`is written anew where it ${what}`, async () => {
      await put(body);
      assert.deepEqual(await differencesTo(first), ["document: unreadable -> whole"]);
      assert.equal(await converge(first), 1);
      assert.deepEqual(await differencesTo(first), []);
    });

  it("isn't overwritten when somebody else wrote it meanwhile", async () => {
    await converge(first);
    const observed = (await resource.find(ctx, identity)) ?? assert.fail("it is not found");
    await put({ ...first, hstsSeconds: 9, at: "now", by });

    await assert.rejects(resource.update(ctx, { identity, desired: first, observed, differences: [] }), {
      code: "HttpsConflict",
    });
    assert.equal((await read())["hstsSeconds"], 9);
  });
});
