import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { localAccount } from "../../../lib/local/emulators/emulators.ts";
import { parseRelease, releaseKey } from "../../../lib/release/document.ts";
import { readRecord } from "../../../lib/release/record.ts";
import { openS3Store } from "../../../state/s3-store.ts";
import { hostReportKey, parseHostReport } from "../../../lib/release/reports.ts";
import { toWriteContext } from "../../../lib/contract/resource.ts";
import { releaseResource } from "../../../lib/resources/delivery/release.ts";
import { openTwoRoutes, region } from "../../strict-aws/account.ts";
import { at, content, published as wished } from "../../release/releases.ts";
import { newIdentity } from "../account.ts";

const { strict, bare } = await openTwoRoutes({ bucketOwner: true });
const agent = { sha256: "a".repeat(64) };
const report = { instance: "i-1", release: 4, status: "serving", agent, at };
const identity = newIdentity("release");
let buckets = 0;

async function open({ patienceMs = 0 } = {}) {
  const Bucket = `berth-release-rules-${(buckets += 1)}`;
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await bare.s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const put = (Key: string, body: object | string) =>
    bare.s3.send(
      new PutObjectCommand({ Bucket, Key, Body: typeof body === "string" ? body : JSON.stringify(body) }),
    );
  const read = async () => {
    const { Body } = await bare.s3.send(new GetObjectCommand({ Bucket, Key: releaseKey }));
    return parseRelease((await Body?.transformToString()) ?? "", "");
  };
  const remove = (Key: string) => bare.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  const notes: string[] = [];
  const signal = new AbortController().signal;
  const place = {
    clients: strict,
    account: localAccount,
    region,
    signal,
    note: (text: string) => void notes.push(text),
  };
  const ctx = toWriteContext(place, strict);
  const resource = releaseResource({
    bucket: Bucket,
    by: "bob",
    patienceMs,
    diagnose: (_ctx, instanceId) => Promise.resolve([`console of ${instanceId}`]),
  });
  const find = async () => (await resource.find(ctx, identity)) ?? assert.fail("there is no release");
  /** As the engine does it. */
  const update = async (changed: typeof content) => {
    const observed = await find();
    const desired = { content: changed, hosts: ["i-1"], agent };
    const differences = resource.differences(identity, desired, observed);
    await resource.update(ctx, { identity, desired, observed, differences });
  };
  return { bucket: Bucket, put, read, remove, notes, ctx, resource, find, update };
}

describe("a release", () => {
  it("is the first of its stack where no host ever reported, and else one after the last known", async () => {
    const { put, read, ctx, resource } = await open();
    await resource.create(ctx, identity, { content, hosts: ["i-1"], agent });
    const first = await read();
    const lost = await open();
    await lost.put(hostReportKey("i-1"), { ...report, release: 7 });
    await lost.put(hostReportKey("i-2"), { ...report, instance: "i-2", release: 3 });
    await lost.resource.create(lost.ctx, identity, {
      content,
      commit: "abc",
      hosts: ["i-1"],
      agent,
    });

    assert.deepEqual({ ...first, at: "" }, { number: 1, ...content, at: "", by: "bob" });
    assert.deepEqual([(await lost.read()).number, (await lost.read()).commit], [8, "abc"]);
    await lost.put("releases/9.json", "{");
    await lost.put("releases/9000000000.json", "{");
    await lost.put("releases/10.json.old", "{");
    await lost.put(releaseKey, "removed next").then(() => lost.remove(releaseKey));
    await lost.resource.create(lost.ctx, identity, { content, hosts: ["i-1"], agent });
    assert.equal((await lost.read()).number, 10);
    await put(releaseKey, wished);
    await assert.rejects(resource.create(ctx, identity, { content, hosts: ["i-1"], agent }), {
      code: "ReleaseConflict",
    });
  });

  it("goes on when the user stops waiting for it, and that is said with the way back", async () => {
    const { put, ctx, resource, find, read } = await open({ patienceMs: 60_000 });
    await put(releaseKey, { ...wished, commit: "0a29b2f".repeat(6) });
    await put(hostReportKey("i-1"), { ...report, release: 4 });
    const observed = await find();
    const desired = { content: { ...content, replicas: 3 }, commit: "abc", hosts: ["i-1"], agent };
    const stopping = new AbortController();
    const note = () => stopping.abort();

    await assert.rejects(
      resource.update(
        { ...ctx, note, signal: stopping.signal },
        { identity, desired, observed, differences: resource.differences(identity, desired, observed) },
      ),
      {
        code: "ReleaseGoesOn",
        exitCode: 130,
        message: "Stopped waiting. Release 5 is published, so the host goes on with it by itself",
        hint: "berth status shows what becomes of it. berth rollback puts the release that served before back. Until source and configuration are as they were (commit 0a29b2f0a29b), the next berth up ships the same again",
      },
    );
    assert.equal((await read()).number, 5);
  });

  for (const [what, change, field] of [
    ["image", { image: "registry/app@sha256:2" }, "image"],
    ["port", { port: 9090 }, "port"],
    ["replicas", { replicas: 3 }, "replicas"],
    ["memory", { memoryMib: 256 }, "memoryMib"],
    ["time to start", { startSeconds: 90 }, "startSeconds"],
    ["a changed variable", { environment: { MODE: "fast", TOKEN: "slow" } }, "environment.TOKEN"],
    ["one more variable", { environment: { MODE: "fast", MORE: "1" } }, "environment.MORE"],
    ["one variable less", { environment: {} }, "environment.MODE"],
  ] as const) {
    it(`is another one with ${what}`, () => {
      const resource = releaseResource({
        bucket: "",
        by: "",
        patienceMs: 0,
        diagnose: () => Promise.resolve([]),
      });
      const serving = parseHostReport(JSON.stringify(report), "i-1").report ?? assert.fail("no report");
      const observed = {
        id: releaseKey,
        tags: {},
        etag: "",
        release: wished,
        reports: new Map([["i-1", serving]]),
        unreadable: new Map(),
      };

      const same = resource.differences(identity, { content, hosts: ["i-1"], agent }, observed);
      const found = resource.differences(
        identity,
        { content: { ...content, ...change }, hosts: ["i-1"], agent },
        observed,
      );

      assert.deepEqual(same, []);
      assert.deepEqual(
        found.map((one) => [one.field, one.action]),
        [[field, "update"]],
      );
      assert.doesNotMatch(JSON.stringify(found), /slow/);
    });
  }

  it("isn't there yet as long as this very host doesn't serve this very number", async () => {
    const { put, resource, find } = await open();
    await put(releaseKey, wished);
    const seen: string[] = [];
    for (const said of [
      undefined,
      { ...report, release: 3 },
      { ...report, status: "starting" },
      { ...report, status: "failed" },
      { ...report, release: 5 },
      report,
    ]) {
      if (said !== undefined) await put(hostReportKey("i-1"), said);
      await put(hostReportKey("i-0"), { ...report, instance: "i-0" });
      const [left] = resource.differences(identity, { content, hosts: ["i-1"], agent }, await find());
      seen.push(left === undefined ? "serves" : `${left.desired}: ${left.observed}`);
    }

    assert.deepEqual(seen, [
      "release 4 serving: no report yet",
      "release 4 serving: release 3 serving",
      "release 4 serving: release 4 starting",
      "release 5 serving: release 4 failed",
      "release 4 serving: release 5 serving",
      "serves",
    ]);
  });

  it("changed is written once, one number on, and awaited", async () => {
    const { put, read, update } = await open();
    await put(releaseKey, wished);
    await put(hostReportKey("i-1"), { ...report, release: 5 });

    await update({ ...content, replicas: 3 });

    const now = await read();
    assert.deepEqual([now.number, now.replicas, now.by], [5, 3, "bob"]);
  });

  it("is on record with its end and its predecessor's; one that an earlier run left is ended by the next", async () => {
    const { put, ctx, update, bucket } = await open();
    const store = openS3Store({ client: ctx.clients.s3, bucket: bucket, account: localAccount });
    await put(releaseKey, wished);
    await put(hostReportKey("i-1"), { ...report, release: 4, serves: 4 });
    await assert.rejects(update({ ...content, replicas: 3 }), { code: "HostSilent" });
    const begun = (await readRecord(store, 5)).record;
    await put(hostReportKey("i-1"), { ...report, release: 5, serves: 5 });
    await update({ ...content, replicas: 3 });
    const ended = (await readRecord(store, 5)).record;

    assert.deepEqual(
      [begun?.settings["replicas"], begun?.hosts, begun?.before?.number, begun?.before?.result, begun?.end],
      ["3", ["i-1"], 4, "served", undefined],
    );
    assert.deepEqual({ ...ended, end: undefined }, { ...begun, end: undefined });
    assert.equal(ended?.end?.result, "served");
  });

  it("unchanged is only awaited, and not written anew", async () => {
    const { put, read, update } = await open();
    await put(releaseKey, wished);
    await put(hostReportKey("i-1"), report);

    await update(content);

    assert.deepEqual(await read(), wished);
  });

  it("that failed is tried again when it is asked for again: under the next number, as the plan says", async () => {
    const { put, read, find, resource, update } = await open();
    await put(releaseKey, wished);
    await put(hostReportKey("i-1"), { ...report, status: "failed", serves: 3, reason: "no answer" });
    const desired = { content, hosts: ["i-1"], agent };
    const [shown] = resource.differences(identity, desired, await find());

    await assert.rejects(update(content), { code: "HostSilent", message: /serves release 5/ });

    const now = await read();
    assert.deepEqual([now.number, now.by, now.image], [5, "bob", content.image]);
    assert.deepEqual([shown?.observed, shown?.desired], ["release 4 failed", "release 5 serving"]);
    assert.match(shown?.reason ?? "", /tried again/);
  });

  it("isn't tried again because it failed on a host that isn't the stack's any more", async () => {
    const { put, read, update } = await open();
    await put(releaseKey, wished);
    await put(hostReportKey("i-0"), { ...report, status: "failed" });
    await put(hostReportKey("i-1"), report);

    await update(content);

    assert.deepEqual(await read(), wished);
  });

  it("that fails its gate ends the run with exit code 5, the host's reason and the app's log", async () => {
    const { put, update } = await open();
    await put(releaseKey, wished);
    // What the host says as soon as it has tried the release that the run publishes.
    await put(hostReportKey("i-1"), {
      ...report,
      release: 5,
      status: "failed",
      serves: 3,
      reason: "no answer",
      log: ["boom"],
    });

    await assert.rejects(update({ ...content, replicas: 3 }), {
      code: "ReleaseUnhealthy",
      exitCode: 5,
      detail: ["boom"],
      message: /release 5 failed .* no answer/,
    });
  });

  it("on a host that took its agent back ends the run with exit code 5, unless the agent was published anew", async () => {
    const { put, update } = await open();
    await put(releaseKey, wished);
    const failed = { ...agent, at, reason: "it ended 3 times" };
    await put(hostReportKey("i-1"), { ...report, agent: { sha256: "b".repeat(64), failed } });
    await put("agent.json", { ...agent, at, by: "ann" });
    await assert.rejects(update(content), {
      code: "AgentUnhealthy",
      exitCode: 5,
      message: /it ended 3 times; agent b{12} goes on/,
    });
    await put("agent.json", { ...agent, at: "2026-11-22T10:00:00.000Z", by: "ann" });
    await assert.rejects(update(content), { code: "HostSilent", message: /runs agent a{12}/ });
  });

  it("of which its host says nothing ends the run with exit code 5 and the host's console", async () => {
    const { put, update } = await open();
    await put(releaseKey, wished);
    await put(hostReportKey("i-1"), { ...report, release: 3 });
    await put(hostReportKey("i-0"), { ...report, instance: "i-0" });

    await assert.rejects(update(content), { code: "HostSilent", exitCode: 5, detail: ["console of i-1"] });
  });

  it("of which its host says nothing shows what the host could still leave in the bucket, bounded", async () => {
    const { put, update } = await open();
    await put(releaseKey, wished);
    const lines = [
      ...Array.from({ length: 200 }, (_none, index) => `line ${index}`),
      "E: no such package",
      "x".repeat(5_000),
    ];
    await put("hosts/i-1.journal.json", { at, lines });

    await assert.rejects(update(content), (error: Error & { detail: string[] }) => {
      const { detail } = error;
      assert.deepEqual(
        [detail[0], detail.length, detail.at(-4), detail.at(-2), detail.at(-1)],
        [`its journal at ${at}:`, 53, "E: no such package", "its console:", "console of i-1"],
      );
      assert.equal(detail.at(-3)?.length, 1_000);
      return true;
    });
    for (const wrong of ["{", "{}", JSON.stringify({ at, lines: [1] })]) {
      await put("hosts/i-1.journal.json", wrong);
      await assert.rejects(update(content), (error: Error & { code: string; detail: string[] }) => {
        assert.equal(error.code, "HostSilent");
        assert.match(error.detail[0] ?? "", /its journal can't be read/);
        return true;
      });
    }
  });

  it("that somebody else wrote meanwhile is not written over", async () => {
    const { put, read, find, resource, ctx } = await open();
    await put(releaseKey, wished);
    const observed = await find();
    const theirs = { ...wished, number: 5, by: "carol" };
    await put(releaseKey, theirs);
    const desired = { content: { ...content, replicas: 3 }, hosts: ["i-1"], agent };
    const differences = resource.differences(identity, desired, observed);

    await assert.rejects(resource.update(ctx, { identity, desired, observed, differences }), {
      code: "ReleaseConflict",
    });
    assert.deepEqual(await read(), theirs);
  });

  it("that can't be read is refused and left as it is", async () => {
    const { put, resource, ctx } = await open();
    for (const body of [
      "{",
      "{}",
      JSON.stringify({ ...wished, number: 0 }),
      JSON.stringify({ ...wished, replicas: 0 }),
    ]) {
      await put(releaseKey, body);
      await assert.rejects(
        resource.find(ctx, identity),
        { code: "ReleaseDamaged", message: /release\.json/ },
        body,
      );
    }
  });
});

describe("what is read of a release", () => {
  const least = { ...wished, startSeconds: undefined };
  for (const key of [
    "number",
    "image",
    "port",
    "replicas",
    "environment",
    "memoryMib",
    "at",
    "by",
  ] as const) {
    it(`is nothing without its ${key}`, () => {
      assert.equal(parseRelease(JSON.stringify(least), "").number, 4);
      assert.throws(() => parseRelease(JSON.stringify({ ...least, [key]: undefined }), "here"), {
        code: "ReleaseDamaged",
        message: /here/,
      });
    });
  }
});

describe("what a host says", () => {
  it("is taken as agreed, and else left for the next report", () => {
    assert.deepEqual(parseHostReport(JSON.stringify(report), "i-1").report, report);
    for (const body of [
      "",
      "{}",
      "null",
      JSON.stringify({ ...report, status: "fine" }),
      JSON.stringify({ ...report, release: "4" }),
    ])
      assert.equal(parseHostReport(body, "i-1").report, undefined, body);
  });
});
