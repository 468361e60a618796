import assert from "node:assert/strict";
import { test } from "node:test";
import { findRecorded } from "../../lib/engine/owned.ts";
import type { Tags } from "../../lib/owner.ts";
import { newDocument } from "../../state/document.ts";
import { FakeCloud } from "./fake-cloud.ts";
import { identify, scope } from "./run.ts";
import { openStack } from "./stored-stack.ts";

/** Somebody's host of that id, in the same account. */
function addHost(cloud: FakeCloud, id: string, tags: Tags): void {
  cloud.things.set(id, { id, kind: "host", owner: "", size: "small", link: "", tags });
}

/** A stack with a host, and a document that names one more to be removed. */
async function openWithSuperseded(cloud: FakeCloud, id: string, { name = "host" } = {}) {
  const stack = await openStack();
  await stack.up([cloud.declare("host", { link: "a" })]);
  const loaded = await stack.store.load();
  assert.ok(loaded);
  const superseded = [{ name, kind: "host", generation: 1, id }];
  const document = { ...loaded.document, serial: loaded.document.serial + 1, superseded };
  await stack.store.save(document, loaded.etag);
  cloud.calls.length = 0;
  return stack;
}

const strangers: Readonly<Record<string, Tags>> = {
  "another stack's": { "berth:stack": "shop", "berth:resource": "host", "berth:generation": "1" },
  "somebody's without tags": {},
  "one that lost its stack tag": { "berth:resource": "host", "berth:generation": "1" },
};

for (const [whose, tags] of Object.entries(strangers)) {
  test(`a document that names ${whose} to be removed is refused, and it stays`, async () => {
    const cloud = new FakeCloud();
    const { up } = await openWithSuperseded(cloud, "theirs");
    addHost(cloud, "theirs", tags);

    await assert.rejects(up([cloud.declare("host", { link: "a" })]), {
      code: "ForeignResource",
      resource: "host",
    });

    assert.ok(cloud.things.has("theirs"));
    assert.deepEqual(cloud.calls, []);
  });
}

test("the stack's own that a document names is removed, and forgotten", async () => {
  const cloud = new FakeCloud();
  const { up, store } = await openWithSuperseded(cloud, "old");
  addHost(cloud, "old", { "berth:stack": "hello", "berth:resource": "host", "berth:generation": "1" });

  await up([cloud.declare("host", { link: "a" })]);

  assert.deepEqual(cloud.calls, ["remove old"]);
  assert.deepEqual((await store.load())?.document.superseded, []);
});

test("what a document names and is gone, or serves, is forgotten without a call", async () => {
  for (const id of ["long-gone", "host-1"]) {
    const cloud = new FakeCloud();
    const { up, store } = await openWithSuperseded(cloud, id);

    await up([cloud.declare("host", { link: "a" })]);

    assert.deepEqual(cloud.calls, []);
    assert.ok(cloud.things.has("host-1"));
    assert.deepEqual((await store.load())?.document.superseded, []);
  }
});

test("what serves is not removed, under whatever name a document calls it replaced", async () => {
  const cloud = new FakeCloud();
  const { up } = await openWithSuperseded(cloud, "host-1", { name: "other" });

  await up([cloud.declare("host", { link: "a" })]);

  assert.ok(cloud.things.has("host-1"));
});

test("all that is to be removed is looked at once, before the first of it goes", async () => {
  const cloud = new FakeCloud();
  const declarations = (link: string) => [cloud.declare("net", { link }), cloud.declare("host", { link })];
  const { up } = await openStack();
  await up(declarations("a"));
  const made = cloud.calls.length;
  cloud.looks.length = 0;

  await up(declarations("b"));

  const first = cloud.calls.findIndex((call, index) => index >= made && call.startsWith("remove"));
  assert.deepEqual(cloud.calls.slice(first), ["remove host-2", "remove net-1"]);
  const old = new Set(["net-1", "host-2"]);
  const late = cloud.looks.filter(({ id, after }) => old.has(id) && after >= first);
  assert.deepEqual(
    late.map(({ id, after }) => [id, after]),
    [
      ["net-1", first],
      ["host-2", first],
    ],
  );
});

test("one of several that isn't the stack's keeps the others from being removed", async () => {
  const cloud = new FakeCloud();
  const { ctx } = await openStack();
  addHost(cloud, "old", { "berth:stack": "hello", "berth:resource": "host", "berth:generation": "1" });
  addHost(cloud, "theirs", {});
  const recorded = ["old", "theirs"].map((id) => ({ name: "host", kind: "host", generation: 1, id }));
  const declarations = [cloud.declare("host")];

  const look = findRecorded(recorded, { ctx, declarations, document: newDocument(scope), identify });

  await assert.rejects(look, { code: "ForeignResource" });
});
