import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { keepReplaced } from "../../state/repair/replaced.ts";
import { changesText, compareDocuments } from "../../state/repair/changes.ts";
import { newDocument } from "../../state/document.ts";
import { Journal } from "../../state/journal.ts";
import { rebuildDocument } from "../../state/rebuild.ts";
import { openStateStore } from "../../state/store.ts";
import { documentLines, leaseText } from "../../state/repair/text.ts";
import { openMemoryStore } from "./memory-store.ts";

const root = await mkdtemp(join(tmpdir(), "berth-keeping-"));
after(() => rm(root, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const empty = newDocument(scope);
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe("what is kept beside the user", () => {
  it("when it is replaced: a file of its own, for its owner's eyes alone", async () => {
    const file = await keepReplaced(join(root, "unsaved", "hello.json"), "before");

    assert.equal(await readFile(file, "utf8"), "before");
    assert.match(file, /unsaved\/hello\.replaced-[\dTZ-]+\.json$/);
    assert.deepEqual([await modeOf(file), await modeOf(dirname(file))], [0o600, 0o700]);
    assert.deepEqual(await readdir(dirname(file)), [file.slice(dirname(file).length + 1)]);
  });

  it("when it can't be saved: for its owner's eyes alone, and told with the way on", async () => {
    const rescueFile = join(root, "rescued", "hello.json");
    const failing = { ...openMemoryStore(), put: () => Promise.reject(new Error("no network")) };
    const store = openStateStore(failing, scope);
    const journal = new Journal({ store, start: { document: empty }, writer: "test", rescueFile });

    journal.note((document) => ({ ...document, pins: { zone: "a" } }));
    await assert.rejects(journal.flush(), {
      code: "StateUnsaved",
      message: new RegExp(`memory/state\\.json; it was kept in ${rescueFile}$`),
      hint: /run the same command again/,
    });

    assert.equal(await modeOf(rescueFile), 0o600);
  });
});

describe("a saved document", () => {
  it("is one serial on, says who wrote it and when, and replaces exactly the one that was read", async () => {
    const objects = openMemoryStore();
    const store = openStateStore(objects, scope);
    const etag = await store.save({ ...empty, serial: 6 }, undefined);
    const start = { document: { ...empty, serial: 6 }, etag };
    const journal = new Journal({ store, start, writer: "run-7", rescueFile: "/dev/null/kept.json" });

    journal.note((document) => ({ ...document, pins: { zone: "a" } }));
    await journal.flush();
    journal.note((document) => ({ ...document, pins: { zone: "b" } }));
    await journal.flush();

    const { document } = (await store.load()) ?? {};
    assert.deepEqual([document?.serial, document?.writer, document?.pins], [8, "run-7", { zone: "b" }]);
    assert.match(document?.savedAt ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(journal.document.serial, 8);
  });

  it("is not followed by another once one could not be saved", async () => {
    let saves = 0;
    const failing = {
      ...openMemoryStore(),
      put: () => {
        saves += 1;
        return Promise.resolve("lost" as const);
      },
    };
    const store = openStateStore(failing, scope);
    const journal = new Journal({
      store,
      start: { document: empty },
      writer: "test",
      rescueFile: "/dev/null/kept.json",
    });

    for (let change = 0; change < 3; change += 1) {
      journal.note((document) => document);
      await assert.rejects(journal.flush(), { code: "StateConflict" });
    }
    assert.equal(saves, 1);
  });
});

describe("a document made from tags", () => {
  const tagged = (name: string, id: string, generation: number) => ({ name, kind: name, id, generation });

  it("takes the latest generation for the one in use, and the earlier ones for replaced", () => {
    const { resources, superseded } = rebuildDocument(empty, [
      tagged("host", "i-1", 1),
      tagged("host", "i-3", 3),
      tagged("host", "i-2", 2),
    ]);

    assert.deepEqual(resources, { host: { kind: "host", generation: 3, id: "i-3" } });
    assert.deepEqual(
      superseded.map(({ id }) => id),
      ["i-2", "i-1"],
    );
  });

  it("leaves two of one generation without an id, so that nothing is decided between them", () => {
    const { resources, superseded } = rebuildDocument(empty, [
      tagged("host", "i-2", 2),
      tagged("host", "i-3", 2),
      tagged("host", "i-1", 1),
    ]);

    assert.deepEqual(resources, { host: { kind: "host", generation: 2 } });
    assert.deepEqual(
      superseded.map(({ id }) => id),
      ["i-1"],
    );
  });

  it("counts a generation that is no number as the first, and leaves out names that Berth gives nothing", () => {
    const names = ["Host", "1host", "ho st", "__proto__", ""].map((name) => tagged(name, "i-9", 1));

    const { resources } = rebuildDocument(empty, [...names, tagged("host", "i-0", 0)]);

    assert.deepEqual(resources, { host: { kind: "host", generation: 1, id: "i-0" } });
  });
});

describe("for people", () => {
  const before = {
    ...empty,
    resources: {
      vpc: { kind: "vpc", generation: 1, id: "vpc-1" },
      host: { kind: "host", generation: 1, id: "i-1" },
      role: { kind: "role", generation: 1 },
    },
    pins: { zone: "a" },
  };
  const later = {
    ...before,
    resources: { vpc: before.resources.vpc, host: { kind: "host", generation: 2, id: "i-2" } },
    superseded: [{ name: "host", kind: "host", generation: 1, id: "i-1" }],
    pins: { zone: "b" },
  };

  it("the changes between two documents are told by name", () => {
    assert.equal(changesText(compareDocuments(before, later)), "+ host (old) i-1; ~ host, pin zone; - role");
    assert.equal(changesText(compareDocuments(later, later)), "nothing");
    assert.equal(changesText(compareDocuments(undefined, before)), "+ vpc, host, role, pin zone");
  });

  it("a document is told with all that is in it", () => {
    assert.deepEqual(documentLines(later), [
      "vpc                generation 1   vpc-1",
      "host               generation 2   i-2",
      "host (old)         generation 1   i-1",
      "pin zone                        b",
    ]);
    assert.match(documentLines(before).join("\n"), /role +generation 1 +no id/);
  });

  it("a lease is told with whether it is alive", () => {
    const record = {
      id: "1",
      holder: "ann",
      host: "pc",
      process: 7,
      operation: "up",
      since: "then",
      ttlMs: 1,
      beat: 0,
    };
    const found = { record, etag: "1", ageMs: 12_000 };

    assert.equal(leaseText(undefined), "free");
    assert.equal(
      leaseText({ ...found, isAlive: true }),
      'held by ann@pc (process 7), running "up" since then; last heartbeat 12 s ago',
    );
    assert.match(leaseText({ ...found, isAlive: false }), /^expired; was held by ann@pc/);
    assert.match(
      leaseText({ ...found, record: undefined, isAlive: true }),
      /^held by an unknown holder; last/,
    );
  });
});
