import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, it } from "node:test";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { releaseKey } from "../../../lib/release/document.ts";
import { hostReportKey } from "../../../lib/release/reports.ts";
import { releaseResource } from "../../../lib/resources/delivery/release.ts";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { openTwoRoutes, region } from "../../strict-aws/account.ts";
import { at, published } from "../../release/releases.ts";
import { newIdentity } from "../account.ts";

const { strict, bare } = await openTwoRoutes({ pagination: { size: 1 } });
const Bucket = "berth-release";
const LocationConstraint = region;
await bare.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));

const put = (Key: string, body: object) =>
  bare.s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(body) }));

const wished = { ...published, number: 2, environment: {} };
const agent = { sha256: "a".repeat(64) };
const serving = { release: 2, status: "serving", agent, at };
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
const identity = newIdentity("release");

async function find(clients = strict) {
  const observed = await resource.find({ ...ctx, clients }, identity);
  assert.ok(observed);
  return observed;
}

beforeEach(async () => {
  const { Contents = [] } = await bare.s3.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of Contents) await bare.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  await put(releaseKey, wished);
});

it("reads what every host says, however many pages that is", async () => {
  for (const instance of ["i-1", "i-2", "i-3"]) await put(hostReportKey(instance), { instance, ...serving });

  const { reports } = await find();

  assert.deepEqual(new Set(reports.keys()), new Set(["i-1", "i-2", "i-3"]));
});

it("knows a host by the key of its report, and takes no host's word for another", async () => {
  await put(hostReportKey("i-1"), { ...serving, status: "failed" });
  await put(hostReportKey("i-2"), { ...serving, instance: "i-1" });
  await put("hosts/../i-3.json", serving);

  const { reports } = await find();

  assert.deepEqual(
    new Map([...reports].map(([id, { status }]) => [id, status])),
    new Map([
      ["i-1", "failed"],
      ["i-2", "serving"],
    ]),
  );
});

it("reads no more of a report than there can be in one, and names the object", async () => {
  await put(hostReportKey("i-1"), { ...serving, filler: "x".repeat(8 * 1024 * 1024) });

  const observed = await find();

  assert.deepEqual([...observed.unreadable], [["i-1", "it is longer than 1 MiB"]]);
  const [difference] = resource.differences(identity, { content: wished, hosts: ["i-1"], agent }, observed);
  assert.equal(difference?.observed, "hosts/i-1.json is no report: it is longer than 1 MiB");
});

it("looks at a few of the objects that a host may write, not at all", async () => {
  const numbers = Array.from({ length: 60 }, (_none, index) => index);
  await Promise.all(numbers.map((number) => put(hostReportKey(`i-${number}`), serving)));

  const { reports } = await find(bare);

  assert.equal(reports.size, 20);
});

it("tells variables by their names, also by those that every object has", async () => {
  const values = { constructor: "a", toString: "b", KEPT: "c" };
  await put(releaseKey, { ...wished, environment: { ...values, valueOf: "d" } });
  const environment = { KEPT: "c", hasOwnProperty: "e", toString: "another" };

  const found = resource.differences(
    identity,
    { content: { ...wished, environment }, hosts: ["i-1"], agent },
    await find(),
  );

  assert.deepEqual(
    found
      .filter(({ field }) => field.startsWith("environment."))
      .map((one) => [one.field, one.observed, one.desired]),
    [
      ["environment.hasOwnProperty", "(not set)", "e"],
      ["environment.toString", "b", "another"],
      ["environment.constructor", "a", "(not set)"],
      ["environment.valueOf", "d", "(not set)"],
    ],
  );
});

it("shows of a variable that may be secret neither its value nor anything that it could be guessed by", async () => {
  await put(releaseKey, { ...wished, environment: { PIN: "1234" } });
  const environment = { PIN: "4321" };
  const observed = await find();

  const shown = JSON.stringify(
    resource.differences(identity, { content: { ...wished, environment }, hosts: ["i-1"], agent }, observed),
  );

  for (const value of ["1234", "4321"]) {
    const hash = createHash("sha256").update(value).digest("hex");
    assert.ok(!shown.includes(value) && !shown.includes(hash.slice(0, 4)), shown);
  }
});
