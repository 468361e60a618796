import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newDocument, parseDocument, type StateDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { Journal } from "../../state/journal.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { openStateStore, stateKey } from "../../state/store.ts";

const root = await mkdtemp(join(tmpdir(), "berth-journal-"));
after(() => rm(root, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };

async function open(around: (store: ObjectStore) => ObjectStore = (store) => store) {
  const files = openFileStore(await mkdtemp(join(root, "store-")));
  const rescueFile = join(files.location, "rescue.json");
  const store = openStateStore(around(files), scope);
  const start = { document: newDocument(scope) };
  return { files, store, rescueFile, journal: new Journal({ store, start, writer: "test", rescueFile }) };
}

const withId =
  (name: string, id: string) =>
  (document: StateDocument): StateDocument => ({
    ...document,
    resources: { ...document.resources, [name]: { kind: name, generation: 1, id } },
  });

test("what is noted is in the store after a flush, with a raised serial", async () => {
  const { journal, store } = await open();

  journal.note(withId("vpc", "vpc-1"));
  await journal.flush();

  const loaded = await store.load();
  assert.equal(loaded?.document.resources["vpc"]?.id, "vpc-1");
  assert.equal(loaded?.document.serial, 1);
});

test("notes that come while a save is under way are saved together", async () => {
  let saves = 0;
  const { journal, store } = await open((files) => ({
    ...files,
    put: (key, body, etag) => {
      saves += 1;
      return files.put(key, body, etag);
    },
  }));

  journal.note(withId("a", "1"));
  await Promise.resolve();
  await Promise.resolve();
  for (const name of ["b", "c", "d", "e"]) journal.note(withId(name, "1"));
  await journal.flush();

  assert.equal(saves, 2);
  const names = Object.keys((await store.load())?.document.resources ?? {});
  assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
});

test("another writer's document is never overwritten, and no further write to AWS is allowed", async () => {
  const { journal, store } = await open();
  await store.save({ ...newDocument(scope), writer: "somebody else" }, undefined);

  journal.note(withId("vpc", "vpc-1"));

  await assert.rejects(journal.flush(), { code: "StateConflict" });
  assert.throws(() => journal.assertHealthy(), { code: "StateConflict" });
  assert.equal((await store.load())?.document.writer, "somebody else");
});

test("when the store fails for good, the document is kept beside the user", async () => {
  const { journal, rescueFile } = await open((files) => ({
    ...files,
    put: () => Promise.reject(new Error("no network")),
  }));

  journal.note(withId("vpc", "vpc-1"));

  await assert.rejects(journal.flush(), { code: "StateUnsaved" });
  const kept = parseDocument(await readFile(rescueFile, "utf8"), scope, rescueFile);
  assert.equal(kept.resources["vpc"]?.id, "vpc-1");
});

for (const [what, body, code] of [
  ["truncated", '{"version": 1, "lineage"', "StateDamaged"],
  ["without its fields", '{"version": 1}', "StateDamaged"],
  ["of a newer Berth", '{"version": 2}', "StateTooNew"],
  ["of another stack", JSON.stringify({ ...newDocument({ ...scope, stack: "other" }) }), "StateForeign"],
  [
    "of another account",
    JSON.stringify({ ...newDocument({ ...scope, account: "999999999999" }) }),
    "StateForeign",
  ],
] as const) {
  test(`a document ${what} is refused and left as it is`, async () => {
    const { files, store } = await open();
    await files.put(stateKey, body);

    await assert.rejects(store.load(), { code });
    assert.equal((await files.get(stateKey))?.body, body);
  });
}
