import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepRecord, recordOf } from "../../lib/release/record.ts";
import { readServing, servingLines } from "../../lib/release/serving.ts";
import { openMemoryStore } from "../state/memory-store.ts";
import { published } from "./releases.ts";

const by = "arn:aws:iam::123456789012:user/ann";
const image = `registry/app@sha256:${"2d7e61f0a1b2".padEnd(64, "0")}`;
const commit = "0a29b2f".repeat(6).slice(0, 40);
const at = "2026-11-21T10:00:00.000Z";

describe("the release that serves, where another one was published last", () => {
  it("is told with what is on record of it", async () => {
    const store = openMemoryStore();
    await keepRecord(store, recordOf({ ...published, number: 7, image, commit, by, at }, { hosts: ["i-1"] }));
    const serving = await readServing(store, 8, { serves: 7 });
    assert.deepEqual(serving, { number: 7, image, commit, at, by });
    assert.deepEqual(servingLines(serving), [
      "serves      7, published 2026-11-21 10:00 UTC, by user/ann, image 2d7e61f0a1b2, commit 0a29b2f0a29b",
    ]);
  });

  it("is told by its number, where its record is lost or a stranger's", async () => {
    const store = openMemoryStore();
    assert.deepEqual(servingLines(await readServing(store, 8, { serves: 7 })), [
      "serves      7, whose record is lost",
    ]);
    await store.put("releases/7.json", JSON.stringify({ number: 7, image: ["\u001b[2J"] }));
    const serving = await readServing(store, 8, { serves: 7 });
    assert.equal(serving?.number, 7);
    assert.match(serving.problem ?? "", /^releases\/7\.json: /);
    assert.match(servingLines(serving).join("\n"), /^serves {6}7, releases\/7\.json: [^\n]+$/);
  });

  it("is not read where the published release serves, or none", async () => {
    const store = { ...openMemoryStore(), get: () => assert.fail("something was read") };
    assert.equal(await readServing(store, 8, { serves: 8 }), undefined);
    assert.equal(await readServing(store, 8, {}), undefined);
    assert.equal(await readServing(store, undefined, undefined), undefined);
    assert.deepEqual(servingLines(undefined), []);
  });
});
