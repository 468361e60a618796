import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findRelease, releaseKey } from "../../lib/release/document.ts";
import { publishMetrics, publishRelease } from "../../lib/release/publish.ts";
import { openMemoryStore } from "../state/memory-store.ts";
import { content } from "./releases.ts";

describe("publishing a release", () => {
  it("writes all of it under the next number, which it returns", async () => {
    const store = openMemoryStore();

    const { number } = await publishRelease(store, {
      content,
      commit: "abc",
      by: "ann",
      metrics: "Berth/shop",
      before: { number: 6 },
    });

    const found = (await findRelease(store)) ?? assert.fail("nothing was written");
    assert.equal(number, 7);
    assert.deepEqual(
      { ...found.release, at: "" },
      { number: 7, ...content, at: "", by: "ann", commit: "abc", metrics: "Berth/shop" },
    );
    assert.ok(Math.abs(Date.parse(found.release.at) - Date.now()) < 60_000, found.release.at);
  });

  it("changes where numbers go under the same number, and touches nothing else", async () => {
    const store = openMemoryStore();
    const before = { number: 6, maintenance: { since: "then", by: "ann", page: "Soon" } };
    const first = await publishRelease(store, { content, by: "ann", metrics: undefined, before });
    const find = async () => (await findRelease(store)) ?? assert.fail("nothing was written");

    for (const metrics of ["Berth/shop", undefined]) {
      const found = await find();
      assert.deepEqual(await publishMetrics(store, found, metrics), (await find()).release);
      assert.deepEqual((await find()).release, { ...first, ...(metrics && { metrics }) });
      await assert.rejects(publishMetrics(store, found, metrics), { code: "ReleaseConflict" });
    }
  });

  it("leaves what somebody else wrote since", async () => {
    const store = openMemoryStore();
    await publishRelease(store, { content, by: "ann", metrics: undefined, before: { number: 6 } });
    const { etag } = (await findRelease(store)) ?? assert.fail("nothing was written");
    store.set(releaseKey, "theirs");

    for (const before of [{ number: 6 }, { number: 7, etag }])
      await assert.rejects(publishRelease(store, { content, by: "bob", metrics: undefined, before }), {
        code: "ReleaseConflict",
      });
    assert.equal((await store.get(releaseKey))?.body, "theirs");
  });
});
