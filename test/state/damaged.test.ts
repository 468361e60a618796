import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as fc from "fast-check";
import { BerthError } from "../../lib/errors.ts";
import { newDocument, parseDocument, type StateDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { inspectBody } from "../../state/repair/inspection.ts";
import { rebuildDocument } from "../../state/rebuild.ts";
import { mergeDocuments } from "../../state/rescue.ts";
import { openStateStore } from "../../state/store.ts";
import { damagedJson, sampling, seed } from "./damage.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-damaged-state-"));
after(() => rm(directory, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const whole: StateDocument = {
  ...newDocument(scope),
  lineage: "7b1f2c9e-0a4d-4c5b-9f3e-2d6a8c1e5f70",
  serial: 12,
  writer: "2f0a",
  savedAt: "2026-11-21T10:00:00.000Z",
  resources: {
    vpc: { kind: "vpc", generation: 1, id: "vpc-1" },
    instance: { kind: "instance", generation: 2, id: "i-2" },
    role: { kind: "role", generation: 1 },
  },
  superseded: [{ name: "instance", kind: "instance", generation: 1, id: "i-1" }],
  pins: { "image.debian-13": "ami-1" },
};

/** A refusal that a user can act on, on one line of sensible length. */
function assertRefusal(error: unknown): void {
  assert.ok(error instanceof BerthError, String(error));
  assert.match(error.code, /^State(Damaged|TooNew|Foreign)$/);
  assert.match(error.hint ?? "", /berth state show/);
  assert.match(error.message, /^[^\p{Cc}]{1,400}$/u);
}

test("1,000 damaged documents are read as they are or refused, and never written", async (t) => {
  t.diagnostic(`BERTH_TEST_SEED=${seed}`);
  const file = join(directory, "state.json");
  const store = openStateStore(openFileStore(directory), scope);
  let refused = 0;

  await fc.assert(
    fc.asyncProperty(damagedJson(whole), async (body) => {
      await writeFile(file, body);
      const loaded = await store.load().catch((error: unknown) => {
        refused += 1;
        assertRefusal(error);
      });
      assert.deepEqual(await readFile(file), Buffer.from(body), "it was written");
      if (loaded)
        assert.deepEqual(loaded.document, parseDocument(JSON.stringify(loaded.document), scope, ""));
    }),
    sampling,
  );

  // Most damage must be seen, or the damage isn't any.
  assert.ok(refused > 500, `only ${refused} were refused`);
});

test("1,000 damaged documents can be looked at, and merged with what is whole", () => {
  fc.assert(
    fc.property(damagedJson(whole), (body) => {
      const { document, problem, serial } = inspectBody(Buffer.from(body).toString(), scope, "state.json");
      assert.ok(Number.isSafeInteger(serial + 1));
      assert.ok((document === undefined) !== (problem === undefined));
      if (document === undefined) return;
      const merged = mergeDocuments(whole, { ...document, lineage: whole.lineage });
      assert.deepEqual(parseDocument(JSON.stringify(merged), scope, ""), merged);
      const names = [...Object.keys(whole.resources), ...Object.keys(document.resources)];
      assert.deepEqual(new Set(Object.keys(merged.resources)), new Set(names));
    }),
    sampling,
  );
});

test("whatever the tags say, what is rebuilt from them can be read again", () => {
  const name = fc.oneof(fc.constantFrom("vpc", "role", "__proto__", "constructor", ""), fc.string());
  const tagged = fc.record({ name, kind: name, id: fc.string(), generation: fc.integer() });

  fc.assert(
    fc.property(fc.array(tagged, { maxLength: 6 }), (listed) => {
      const rebuilt = rebuildDocument(newDocument(scope), listed);
      assert.deepEqual(parseDocument(JSON.stringify(rebuilt), scope, ""), rebuilt);
    }),
    sampling,
  );
});
