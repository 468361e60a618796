import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import { keepReplaced } from "../../state/repair/replaced.ts";
import { newDocument, parseDocument, type StateDocument } from "../../state/document.ts";
import { inspectBody } from "../../state/repair/inspection.ts";
import { catchUp } from "../../state/rebuild.ts";
import { historyLines, historyRows, storedLines } from "../../state/repair/text.ts";

const root = await mkdtemp(join(tmpdir(), "berth-state-words-"));
after(() => rm(root, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const empty: StateDocument = {
  ...newDocument(scope),
  lineage: "11111111-1111-4111-8111-111111111111",
};
const entry = { kind: "vpc", generation: 1, id: "vpc-1" };

describe("a stored body, looked at", () => {
  it("is its document, with its serial", () => {
    const document = { ...empty, serial: 7 };

    assert.deepEqual(inspectBody(JSON.stringify(document), scope, "there"), { document, serial: 7 });
  });

  for (const [body, serial] of [
    ['{"serial": 12, "lineage"', 12],
    ['{"serial":123456789012}', 123_456_789_012],
    ['{\n  "serial" :\n 5\n}', 5],
    ['{"serial": 1234567890123}', 0],
    ['{"serial": "7"}', 0],
    ["", 0],
  ] as const)
    it(`is what is wrong with ${JSON.stringify(body)}, and the serial ${serial}`, () => {
      const inspected = inspectBody(body, scope, "there");

      assert.equal(inspected.document, undefined);
      assert.equal(inspected.problem?.code, "StateDamaged");
      assert.equal(inspected.serial, serial);
    });
});

describe("where the document is, for people,", () => {
  it("is told with which one it is", () => {
    const document = { ...empty, serial: 7, savedAt: "2026-11-21T10:00:00.000Z", writer: "run-1" };

    assert.deepEqual(storedLines("s3://a/state.json", { document, serial: 7 }), [
      "document    s3://a/state.json",
      "serial      7",
      `lineage     ${empty.lineage}`,
      "written     2026-11-21T10:00:00.000Z by run run-1",
    ]);
    assert.equal(storedLines("a", { document: empty, serial: 0 })[3], "written     never by run none");
  });

  it("is told where there is none", () => {
    assert.deepEqual(storedLines("there", undefined), ["document    none at there"]);
  });

  it("is told with what is wrong with it, and the way back", () => {
    const problem = new BerthError({ code: "StateDamaged", message: "it is damaged", hint: "restore it" });

    assert.deepEqual(storedLines("there", { problem, serial: 0 }), [
      "document    there",
      "problem     StateDamaged: it is damaged",
      "way back    restore it",
    ]);
  });
});

describe("the history of a document", () => {
  const at = "2026-11-21T10:00:00.000Z";
  const version = (id: string, more: object) => ({
    id,
    at,
    isRemoval: false,
    isLatest: false,
    serial: 0,
    ...more,
  });
  const first = { ...empty, serial: 1, writer: "run-one-long" };
  const second = { ...first, serial: 2, writer: "run-two", resources: { vpc: entry } };
  const problem = new BerthError({ code: "StateDamaged", message: "it is damaged" });
  const read = [
    version("v4", { isRemoval: true }),
    version("v3", { document: second }),
    version("v2", { problem }),
    version("v1", { document: first }),
  ];
  const none = { serial: undefined, lineage: undefined, writer: undefined, changes: undefined };
  const { lineage } = empty;

  it("compares each with the readable one before it", () => {
    const changed = (...added: string[]) => ({ added, changed: [], removed: [] });
    assert.deepEqual(historyRows(read), [
      { ...none, id: "v4", at, removed: true, problem: undefined },
      {
        id: "v3",
        at,
        serial: 2,
        lineage,
        writer: "run-two",
        changes: changed("vpc"),
        removed: false,
        problem: undefined,
      },
      { ...none, id: "v2", at, removed: false, problem: "StateDamaged" },
      {
        id: "v1",
        at,
        serial: 1,
        lineage,
        writer: "run-one-long",
        changes: changed(),
        removed: false,
        problem: undefined,
      },
    ]);
  });

  it("is a line each for people", () => {
    assert.deepEqual(historyLines(historyRows(read)), [
      `${at}  v4  serial ?              removed`,
      `${at}  v3  serial 2    run-two   + vpc`,
      `${at}  v2  serial ?              StateDamaged`,
      `${at}  v1  serial 1    run-one-  nothing`,
    ]);
  });
});

it("what is set aside never takes another's place, whatever the file is called", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  const file = await keepReplaced(join(root, "aside", "hello"), "first");

  assert.match(file, /aside\/hello\.replaced-2027-01-15T08-00-00-000Z\.json$/);
  await assert.rejects(keepReplaced(join(root, "aside", "hello"), "second"), { code: "EEXIST" });
  assert.equal(await readFile(file, "utf8"), "first");
  assert.equal((await readdir(join(root, "aside"))).length, 1);
});

describe("what was to be replaced by what a document learns from tags", () => {
  const host = (id: string, generation: number) => ({ name: "instance", kind: "instance", id, generation });
  const net = (id: string, generation: number) => ({ name: "vpc", kind: "vpc", id, generation });
  const known = {
    ...empty,
    resources: { instance: { kind: "instance", generation: 1, id: "i-1" }, vpc: { ...entry, generation: 2 } },
    superseded: [host("i-1", 1)],
  };

  it("is added once, and only for what is learnt", () => {
    const { superseded } = catchUp(known, [
      host("i-3", 3),
      host("i-2", 2),
      host("i-1", 1),
      net("vpc-1", 2),
      net("vpc-0", 1),
    ]);

    assert.deepEqual(superseded, [host("i-1", 1), host("i-2", 2)]);
  });
});

describe("a body that is no document", () => {
  it("is damaged, whatever it is instead", () => {
    for (const body of [
      "null",
      "7",
      '"text"',
      "[]",
      "{}",
      '{"version":"2"}',
      '{"version":null}',
      '{"version":0}',
    ])
      assert.throws(() => parseDocument(body, scope, "there"), { code: "StateDamaged" }, body);
  });

  it("is too new by a version that is a number above ours, and nothing else", () => {
    assert.throws(() => parseDocument('{"version":2}', scope, "there"), { code: "StateTooNew" });
  });

  it("holds a thousand resources and pins, and no more", () => {
    const named = <T>(count: number, value: T) =>
      Object.fromEntries(Array.from({ length: count }, (_none, index) => [`n${index}`, value]));
    const parsed = (more: object) => parseDocument(JSON.stringify({ ...empty, ...more }), scope, "there");

    assert.equal(Object.keys(parsed({ resources: named(1000, entry) }).resources).length, 1000);
    assert.equal(Object.keys(parsed({ pins: named(1000, "a") }).pins).length, 1000);
    assert.throws(() => parsed({ resources: named(1001, entry) }), { message: /damaged at "resources"/ });
    assert.throws(() => parsed({ pins: named(1001, "a") }), { message: /damaged at "pins"/ });
  });
});
