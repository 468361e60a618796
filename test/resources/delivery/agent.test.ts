import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { packAgent, type AgentBundle } from "../../../lib/host/bundle.ts";
import { agentResource } from "../../../lib/resources/delivery/agent.ts";
import { newIdentity, openAccount } from "../account.ts";

const { ctx, stranger, calls } = await openAccount();
const Bucket = "berth-agent";
const { s3 } = stranger;
const LocationConstraint = "eu-central-1";
await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));

const bundleOf = (text: string): AgentBundle =>
  packAgent([{ path: "/usr/local/lib/berth/converge.py", text, executable: false }]);
const [first, second, third, fourth] = [bundleOf("1"), bundleOf("2"), bundleOf("3"), bundleOf("4")];
const identity = newIdentity("agent");
const key = ({ sha256 }: AgentBundle) => `agent/${sha256}.tar.gz`;

const keys = async () =>
  ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [])
    .map(({ Key = "" }) => Key)
    .toSorted();
const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const read = async (Key: string) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};
const pointer = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await read("agent.json")).toString());

function open(bundle: AgentBundle) {
  const desired = { bucket: Bucket, bundle };
  const resource = agentResource({ ...desired, by: "arn:aws:iam::123456789012:user/somebody" });
  const find = () => resource.find(ctx, identity);
  const differences = async () => {
    const observed = await find();
    return observed && resource.differences(identity, desired, observed);
  };
  /** As the engine does it. Returns the writes that it took. */
  const converge = async () => {
    const before = calls.length;
    if ((await find()) === undefined) await resource.create(ctx, identity, desired);
    const observed = (await find()) ?? assert.fail("it is not found");
    const found = resource.differences(identity, desired, observed);
    if (found.length > 0) await resource.update(ctx, { identity, desired, observed, differences: found });
    assert.deepEqual(await differences(), []);
    return calls.slice(before).filter(({ kind }) => kind === "write").length;
  };
  return { resource, desired, find, differences, converge };
}

beforeEach(async () => {
  for (const Key of await keys()) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
});

describe("the published agent", () => {
  it("is its bundle by the name of its content, and a pointer that says since when and by whom", async () => {
    assert.equal(await open(first).find(), undefined);
    assert.equal(await open(first).converge(), 2);
    assert.deepEqual(await keys(), ["agent.json", key(first)].toSorted());
    assert.equal(
      createHash("sha256")
        .update(await read(key(first)))
        .digest("hex"),
      first.sha256,
    );
    const { sha256, at, by } = await pointer();
    assert.deepEqual([sha256, by], [first.sha256, "arn:aws:iam::123456789012:user/somebody"]);
    assert.match(String(at), /^\d{4}-\d\d-\d\dT/);
  });

  it("takes no write when there is nothing to do", async () => {
    await open(first).converge();
    assert.equal(await open(first).converge(), 0);
  });

  it("is another one by its hash, which a plan shows short", async () => {
    await open(first).converge();
    const [difference] = (await open(second).differences()) ?? [];
    assert.deepEqual(
      [difference?.action, difference?.observed, difference?.desired],
      ["update", first.sha256.slice(0, 12), second.sha256.slice(0, 12)],
    );
  });

  it("leaves the one before for hosts that go back to it, and removes those before that", async () => {
    for (const bundle of [first, second, third]) await open(bundle).converge();
    await put("agent/somebody-elses.tar.gz", "x");
    await open(fourth).converge();
    assert.deepEqual(
      await keys(),
      ["agent.json", "agent/somebody-elses.tar.gz", key(third), key(fourth)].toSorted(),
    );
  });

  it("has its bundle put again when it is gone or damaged, at the same length too", async () => {
    await open(first).converge();
    await s3.send(new DeleteObjectCommand({ Bucket, Key: key(first) }));
    assert.deepEqual(
      (await open(first).differences())?.map(({ observed: found }) => found),
      ["missing"],
    );
    await open(first).converge();
    await put(key(first), "x".repeat(first.content.length));
    assert.deepEqual(
      (await open(first).differences())?.map(({ observed: found }) => found),
      ["damaged"],
    );
    const before = await pointer();
    await open(first).converge();
    assert.ok((await read(key(first))).equals(first.content));
    assert.notEqual((await pointer())["at"], before["at"], "hosts try again only what is published anew");
  });

  for (const body of [" ", "{", "[]", '{"sha256":"../release"}', `{"sha256":"${"a".repeat(64)}"}`]) {
    it(`has a pointer of ${JSON.stringify(body.slice(0, 24))} written anew`, async () => {
      await open(first).converge();
      await put("agent.json", body);
      await open(first).converge();
      assert.equal((await pointer())["sha256"], first.sha256);
    });
  }

  it("is not overwritten when somebody else wrote at the same time", async () => {
    await open(first).converge();
    const { resource, desired, find } = open(second);
    const observed = (await find()) ?? assert.fail("it is not found");
    await open(third).converge();
    const differences = resource.differences(identity, desired, observed);
    await assert.rejects(resource.update(ctx, { identity, desired, observed, differences }), {
      code: "AgentConflict",
    });
    assert.equal((await pointer())["sha256"], third.sha256);
  });
});
