import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ListObjectVersionsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { BerthError } from "../../lib/errors.ts";
import { leaseKey } from "../../state/lease/lease.ts";
import type { Ended } from "../strict-aws/cli.ts";
import type { Run } from "../strict-aws/in-process.ts";
import { takeInventory } from "../crash/inventory.ts";
import { linesOf, openDriftingStack } from "../drift/stack.ts";

// A heartbeat each five seconds, which some of these wait for, and a life that outlasts a process that stands still.
process.env["BERTH_LEASE_SECONDS"] = "15";
// The end of a bucket is held for as long as a whole up takes.
process.env["BERTH_ANSWER_SECONDS"] = "600";
const { aws, stack, stranger, refresh } = await openDriftingStack("test-last-moment", { up: false });
const { cli } = stack;

/** Settles when a call of the operation has succeeded; `on` is a part of its URL. */
function done(operation: string, on = ""): Promise<void> {
  return new Promise((resolve) => {
    const off = aws.on(({ stage, status = 500, call }) => {
      if (call.operation !== operation || !call.url.includes(on)) return;
      if (stage !== "answered" || status >= 400) return;
      off();
      resolve();
    });
  });
}

/** Holds the next such call back until something else has happened. */
function hold(operation: string, until: () => Promise<unknown>, on = ""): void {
  aws.faults.once((call) => call.operation === operation && call.url.includes(on), { until });
}

/** A down, and an up that has been waiting for its end since the network was still there. */
async function downAndUp(): Promise<{ down: Promise<Ended>; up: Promise<Run> }> {
  const told: string[] = [];
  const up = new Promise<Run>((resolve, reject) => {
    hold("DeleteVpc", async () => {
      stack.up({ waitMs: 300_000, told }).then(resolve, reject);
      while (!told.some((text) => text.startsWith("waiting for"))) await sleep(20);
    });
  });
  return { down: cli.run("down", "--yes"), up };
}

/** Exit code, and the code and text of the error that a user was told. */
function endOf({ exitCode, events }: Ended): unknown[] {
  const error = events.find(({ event }) => event === "error");
  return [exitCode, error?.["code"], error?.["message"]];
}

async function requireOneOfEverything(): Promise<void> {
  assert.deepEqual(linesOf((await stack.plan()).plan), []);
  const kinds = (await takeInventory(stranger)).map(({ kind }) => kind);
  assert.deepEqual(kinds, [...new Set(kinds)]);
}

async function requireNothing(): Promise<void> {
  assert.deepEqual(await takeInventory(stranger), []);
}

describe("what comes in the moment between a down's lease and the end of its bucket", () => {
  beforeEach(() => stack.up().then(refresh));

  it("up has the bucket if its lease came first: down leaves it, and says who has it", async () => {
    hold("DeleteBucket", () => done("PutObject", leaseKey));
    const { down, up } = await downAndUp();
    // Still at work when down finds it.
    hold("CreateVpc", () => down);

    const ended = await down;
    await up;

    const [exitCode, code, message] = endOf(ended);
    assert.deepEqual([exitCode, code], [4, "LeaseHeld"], ended.stderr);
    assert.match(String(message), /is held by \S+@\S+ \(process \d+\), running "up"/);
    await requireOneOfEverything();
  });

  it("up keeps what it made while down slept", async () => {
    const raced = await downAndUp();
    hold("DeleteBucket", () => raced.up);

    const ended = await raced.down;

    assert.deepEqual(endOf(ended).slice(0, 2), [4, "MadeAnew"], ended.stderr);
    await requireOneOfEverything();
  });

  it("up makes nothing if the bucket's end came first, and says so", async () => {
    hold("DeleteBucket", async () => {
      const gone = done("DeleteBucket");
      await new Promise<void>((resolve) => {
        hold("PutObject", () => (resolve(), gone), leaseKey);
      });
    });
    const { down, up } = await downAndUp();

    const refused = await up.catch((error: unknown) => error);
    const ended = await down;

    assert.ok(refused instanceof BerthError, String(refused));
    assert.deepEqual([refused.code, refused.exitCode], ["StoreGone", 4]);
    assert.equal(ended.exitCode, 0, ended.stderr);
    await requireNothing();
  });

  it("begins when all else in the bucket is gone: until then nobody can take the lease", async () => {
    const listing = new ListObjectVersionsCommand({ Bucket: stranger.id("bucket") });
    const left: unknown[] = [];
    aws.on(async ({ stage, call }) => {
      if (call.operation !== "DeleteObject" || !call.url.includes(leaseKey) || stage !== "arrived") return;
      const { Versions = [], DeleteMarkers = [] } = await stranger.s3.send(listing);
      left.push([...Versions, ...DeleteMarkers].map(({ Key, IsLatest }) => [Key, IsLatest]));
    });

    const ended = await cli.run("down", "--yes");

    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual(left, [[[leaseKey, true]]]);
  });

  it("a host's late report goes with the bucket", async () => {
    const report = { Bucket: stranger.id("bucket"), Key: "hosts/late.json", Body: "{}" };
    hold("DeleteBucket", () => stranger.s3.send(new PutObjectCommand(report)));

    const ended = await cli.run("down", "--yes");

    assert.equal(ended.exitCode, 0, ended.stderr);
    await requireNothing();
  });
});
