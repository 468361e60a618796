import assert from "node:assert/strict";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { newDocument, type StateDocument } from "../../state/document.ts";
import { removeState } from "../../state/removal.ts";
import { forgetRescued, loadState, mergeDocuments } from "../../state/rescue.ts";
import { openStateStore, stateKey } from "../../state/store.ts";
import { openMemoryStore } from "./memory-store.ts";

const root = await mkdtemp(join(tmpdir(), "berth-load-"));
after(() => rm(root, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const stored = { ...newDocument(scope), serial: 4 };

interface Given {
  readonly inStore?: StateDocument;
  readonly besideUser?: object | string;
}

async function open({ inStore, besideUser }: Given) {
  const objects = openMemoryStore();
  if (inStore !== undefined) objects.set(stateKey, JSON.stringify(inStore));
  const rescueFile = join(await mkdtemp(join(root, "case-")), "kept.json");
  const text = typeof besideUser === "string" ? besideUser : JSON.stringify(besideUser);
  if (besideUser !== undefined) await writeFile(rescueFile, text);
  const load = () => loadState({ state: openStateStore(objects, scope), scope, rescueFile });
  return { objects, rescueFile, load };
}

const vpc = (id: string) => ({ vpc: { kind: "vpc", generation: 1, id } });

describe("the state at the start of a run", () => {
  it("is nothing where there is none", async () => {
    assert.equal(await (await open({})).load(), undefined);
  });

  it("is what is stored, with its version, where nothing was kept", async () => {
    const { load } = await open({ inStore: stored });

    assert.deepEqual(await load(), { document: stored, etag: "version-1" });
  });

  it("is what was kept where nothing is stored, to be saved anew", async () => {
    const kept = { ...stored, resources: vpc("vpc-1") };
    const { load } = await open({ besideUser: kept });

    assert.deepEqual(await load(), { document: kept, wasKept: true });
  });

  it("is both merged, over the stored version", async () => {
    const kept = { ...stored, serial: 7, resources: vpc("vpc-1") };
    const { load } = await open({ inStore: stored, besideUser: kept });

    assert.deepEqual(await load(), { document: kept, etag: "version-1", wasKept: true });
  });

  it("is refused when what was kept is of another history, and both stay as they are", async () => {
    const kept = { ...stored, lineage: newDocument(scope).lineage, resources: vpc("vpc-1") };
    const { load, objects, rescueFile } = await open({ inStore: stored, besideUser: kept });

    await assert.rejects(load(), {
      code: "StateForeign",
      message: new RegExp(`${rescueFile} was kept from another history`),
    });
    assert.deepEqual(objects.changes, ["put state.json"]);
    await access(rescueFile);
  });

  it("is refused when what was kept is damaged or another stack's", async () => {
    const damaged = await open({ inStore: stored, besideUser: "{" });
    const foreign = await open({ inStore: stored, besideUser: { ...stored, stack: "other" } });

    await assert.rejects(damaged.load(), { code: "StateDamaged", message: /kept\.json/ });
    await assert.rejects(foreign.load(), { code: "StateForeign" });
  });

  it("forgets what was kept when it is told to, also where nothing was", async () => {
    const { load, rescueFile } = await open({ inStore: stored, besideUser: stored });

    await forgetRescued(rescueFile);
    await forgetRescued(rescueFile);

    assert.deepEqual(await load(), { document: stored, etag: "version-1" });
  });
});

describe("merging what was kept into what is stored", () => {
  const entry = (generation: number, id?: string) => ({
    kind: "vpc",
    generation,
    ...(id === undefined ? {} : { id }),
  });
  for (const [what, before, kept, wanted] of [
    ["a later generation wins", entry(1, "old"), entry(2), entry(2)],
    ["an earlier generation loses", entry(2), entry(1, "old"), entry(2)],
    ["of one generation the one with an id wins", entry(1), entry(1, "vpc-1"), entry(1, "vpc-1")],
    ["of one generation the stored id stays", entry(1, "stored"), entry(1, "kept"), entry(1, "stored")],
    ["of one generation an id is not forgotten", entry(1, "stored"), entry(1), entry(1, "stored")],
  ] as const) {
    it(what, () => {
      const merged = mergeDocuments(
        { ...stored, resources: { vpc: before } },
        { ...stored, resources: { vpc: kept } },
      );

      assert.deepEqual(merged.resources, { vpc: wanted });
    });
  }

  it("keeps each replaced one once, the stored pins, and the higher serial", () => {
    const old = (id: string) => ({ name: "vpc", kind: "vpc", generation: 1, id });
    const one = { ...stored, superseded: [old("a")], pins: { zone: "stored" } };
    const other = {
      ...stored,
      serial: 2,
      superseded: [old("a"), old("b")],
      pins: { zone: "kept", image: "kept" },
    };

    const merged = mergeDocuments(one, other);

    assert.deepEqual(merged.superseded, [old("a"), old("b")]);
    assert.deepEqual(merged.pins, { zone: "stored", image: "kept" });
    assert.equal(merged.serial, 4);
  });
});

describe("the store of the state", () => {
  it("refuses to write over what somebody else wrote, as a matter of the lease", async () => {
    const objects = openMemoryStore();
    const store = openStateStore(objects, scope);
    const etag = await store.save(stored, undefined);
    objects.set(stateKey, JSON.stringify({ ...stored, serial: 9 }));

    for (const stale of [etag, undefined]) {
      await assert.rejects(store.save(stored, stale), {
        code: "StateConflict",
        exitCode: 4,
        message: /memory\/state\.json/,
      });
    }
    assert.equal((await store.load())?.document.serial, 9);
  });

  it("is empty after a removal, and after another", async () => {
    const objects = openMemoryStore();
    objects.set(stateKey, JSON.stringify(stored));

    await removeState(objects);
    await removeState(objects);

    assert.equal(await objects.get(stateKey), undefined);
  });
});
