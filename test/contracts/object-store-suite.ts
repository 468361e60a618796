import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectStore } from "../../state/object-store.ts";

/** What every store must guarantee. `open` returns an empty store twice: the second one is the view of another process. */
export function objectStoreSuite(name: string, open: () => Promise<[ObjectStore, ObjectStore]>): void {
  test(`${name}: what is not there reads as absent`, async () => {
    const [store] = await open();

    assert.equal(await store.get("state.json"), undefined);
  });

  test(`${name}: what was written is what the next reader gets`, async () => {
    const [one, other] = await open();

    const written = await one.put("state.json", "first: ä");
    const found = await other.get("state.json");

    assert.notEqual(written, "lost");
    assert.equal(found?.body, "first: ä");
    assert.deepEqual(written, { etag: found.etag });
    assert.ok(found.ageMs >= 0 && found.ageMs < 60_000, `age ${found.ageMs}`);
  });

  test(`${name}: a second creation is lost and changes nothing`, async () => {
    const [one, other] = await open();
    await one.put("state.json", "first");

    assert.equal(await other.put("state.json", "second"), "lost");
    assert.equal((await one.get("state.json"))?.body, "first");
  });

  test(`${name}: a write to a version that was replaced is lost`, async () => {
    const [one, other] = await open();
    await one.put("state.json", "first");
    const stale = (await other.get("state.json"))?.etag ?? "";
    await one.put("state.json", "second", stale);

    assert.equal(await other.put("state.json", "third", stale), "lost");
    assert.equal((await one.get("state.json"))?.body, "second");
  });

  test(`${name}: a write to what was removed is lost`, async () => {
    const [one, other] = await open();
    await one.put("state.json", "first");
    const { etag = "" } = (await one.get("state.json")) ?? {};
    await other.remove("state.json", etag);

    assert.equal(await one.put("state.json", "second", etag), "lost");
    assert.equal(await one.get("state.json"), undefined);
  });

  test(`${name}: a removal takes exactly the version it names`, async () => {
    const [one, other] = await open();
    await one.put("state.json", "first");
    const stale = (await one.get("state.json"))?.etag ?? "";
    await other.put("state.json", "second", stale);

    assert.equal(await one.remove("state.json", stale), false);
    assert.equal((await other.get("state.json"))?.body, "second");
    const fresh = (await other.get("state.json"))?.etag ?? "";
    assert.equal(await one.remove("state.json", fresh), true);
    assert.equal(await other.get("state.json"), undefined);
    assert.equal(await one.remove("state.json", fresh), true);
  });

  test(`${name}: of many writers at once exactly one wins, every round`, async () => {
    const [one, other] = await open();
    let etag: string | undefined;
    for (let round = 0; round < 5; round += 1) {
      const bodies = Array.from({ length: 12 }, (_, writer) => `round ${round} writer ${writer}`);
      const outcomes = await Promise.all(
        bodies.map((body, index) => (index % 2 === 0 ? one : other).put("state.json", body, etag)),
      );
      const winners = bodies.filter((_, index) => outcomes[index] !== "lost");
      const found = await one.get("state.json");

      assert.deepEqual(winners, [found?.body]);
      etag = found?.etag;
    }
  });
}
