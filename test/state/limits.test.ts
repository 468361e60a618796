import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, test } from "node:test";
import { longestBody, parseStrictJson } from "../../lib/strict-json.ts";
import { parseRelease } from "../../lib/release/document.ts";
import { parseHostReport } from "../../lib/release/reports.ts";
import { readBounded } from "../../state/bounded-read.ts";
import { newDocument, parseDocument } from "../../state/document.ts";
import { openFileStore } from "../../state/file-store.ts";
import { parseRecord } from "../../state/lease/record.ts";
import { mergeDocuments } from "../../state/rescue.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-limits-"));
after(() => rm(directory, { recursive: true, force: true }));
const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const document = newDocument(scope);
const release = {
  number: 3,
  image: "an-image",
  port: 80,
  replicas: 1,
  environment: {},
  memoryMib: 64,
  at: "2026-11-21T10:00:00.000Z",
  by: "somebody",
};
const report = { release: 3, status: "serving", at: release.at };
const record = {
  id: "1",
  holder: "ann",
  host: "here",
  process: 7,
  operation: "up",
  since: release.at,
  ttlMs: 30_000,
  beat: 1,
};

describe("JSON of strangers", () => {
  const refused: Readonly<Record<string, [text: string, why: RegExp]>> = {
    "too much": [`"${"x".repeat(longestBody)}"`, /longer than 1 MiB/],
    "too much in few characters": [`"${"€".repeat(longestBody / 3)}"`, /longer than 1 MiB/],
    "half a million lists in one another": ["[".repeat(250_000) + "]".repeat(250_000), /more than 32 deep/],
    "objects in one another": ['{"a":'.repeat(40) + "1" + "}".repeat(40), /more than 32 deep/],
    "a key twice": ['{"a": {"b": 1, "c": [], "b": 2}}', /the key "b" twice/],
    "a key twice, written differently": [String.raw`{"stack": 1, "\u0073tack": 2}`, /twice/],
    "a key that is a prototype": ['{"a": [{"__proto__": {"x": 1}}]}', /"__proto__"/],
    "half a document": ['{"a": ', /not JSON/],
    nothing: ["", /not JSON/],
  };
  for (const [what, [text, why]] of Object.entries(refused))
    test(`${what} is refused`, () => {
      assert.throws(() => parseStrictJson(text), why);
    });

  test("keys of different objects, in strings, and with odd names are none of that", () => {
    const text = String.raw`{"a": {"b": 1}, "c": [{"b": 2}, {"b": "{\"b\": [[[\\"}], "constructor": "__proto__: {", "": {}}`;
    assert.deepEqual(parseStrictJson(text), JSON.parse(text));
  });

  test("a megabyte of quotes and backslashes takes no longer than its length", () => {
    const text = JSON.stringify({ text: `"\\`.repeat(longestBody / 4 - 10) });
    assert.deepEqual(parseStrictJson(text), JSON.parse(text));
  });
});

test("of a stream without an end no more is read than shows that it is too long", async () => {
  let sent = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        sent += 65_536;
        yield Buffer.alloc(65_536, "x");
      }
    })(),
  );

  const body = await readBounded(endless);

  assert.throws(() => parseStrictJson(body), /longer than 1 MiB/);
  assert.ok(sent < 2 * longestBody, `${sent} bytes`);
  assert.ok(endless.destroyed);
});

test("a stored file is read no further, and not through a link", async () => {
  const store = openFileStore(directory);
  await writeFile(join(directory, "state.json"), Buffer.alloc(20 * longestBody, "x"));
  await writeFile(join(directory, "secret"), "of somebody else");
  await symlink(join(directory, "secret"), join(directory, "lease.json"));

  const long = await store.get("state.json");

  assert.ok((long?.body.length ?? 0) < longestBody + 10);
  assert.throws(() => parseDocument(long?.body ?? "", scope, "state.json"), /longer than 1 MiB/);
  await assert.rejects(store.get("lease.json"), { code: "ELOOP" });
});

describe("a state document", () => {
  const many = (count: number) => Array.from({ length: count }, (_none, index) => `a${index}`);
  const damages: Readonly<Record<string, object>> = {
    "a serial past counting": { serial: Number.MAX_SAFE_INTEGER },
    "a generation past counting": { resources: { vpc: { kind: "vpc", generation: 2 ** 52 } } },
    "a name that is none": { resources: { "../vpc": { kind: "vpc", generation: 1 } } },
    "a name with controls": { pins: { "image.\u001B[2J": "ami-1" } },
    "an id as long as a book": { resources: { vpc: { kind: "vpc", generation: 1, id: "x".repeat(5_000) } } },
    "5,000 resources": {
      resources: Object.fromEntries(many(5_000).map((name) => [name, { kind: "vpc", generation: 1 }])),
    },
    "5,000 replaced things": {
      superseded: many(5_000).map((id) => ({ name: "vpc", kind: "vpc", generation: 1, id })),
    },
    "5,000 pins": { pins: Object.fromEntries(many(5_000).map((name) => [name, "x"])) },
  };
  for (const [what, damage] of Object.entries(damages))
    test(`with ${what} is refused`, () => {
      const body = JSON.stringify({ ...document, ...damage });
      assert.throws(() => parseDocument(body, scope, "state.json"), { code: "StateDamaged" });
    });

  test("with a resource named like what every object has is merged like any other", () => {
    const kept = parseDocument(
      JSON.stringify({
        ...document,
        resources: { constructor: { kind: "vpc", generation: 1, id: "vpc-1" } },
      }),
      scope,
      "",
    );
    const merged = mergeDocuments(document, kept);
    assert.deepEqual(Object.entries(merged.resources), [
      ["constructor", { kind: "vpc", generation: 1, id: "vpc-1" }],
    ]);
  });
});

describe("a lease record", () => {
  const damages: Readonly<Record<string, object>> = {
    "that would never expire": { ttlMs: 1e300 },
    "that has expired before it was written": { ttlMs: -1 },
    "of a holder whose name is a book": { holder: "x".repeat(100_000) },
    "of half a process": { process: 0.5 },
  };
  test("is read as it is written", () => {
    assert.deepEqual(parseRecord(JSON.stringify(record)), record);
  });
  for (const [what, damage] of Object.entries(damages))
    test(`${what} holds no longer than one that can't be read`, () => {
      assert.equal(parseRecord(JSON.stringify({ ...record, ...damage })), undefined);
    });
});

describe("a host's report", () => {
  const parse = (more: object) => parseHostReport(JSON.stringify({ ...report, ...more }), "i-1");

  test("is of the instance that its key names, whatever it says itself", () => {
    assert.equal(parse({ instance: "i-of-another" }).report?.instance, "i-1");
  });

  test("is cut to what a person reads", () => {
    const log = Array.from({ length: 10_000 }, (_none, index) => `${index} ${"x".repeat(20)}`);
    const read = parse({
      status: "failed",
      reason: "x".repeat(100_000),
      log: [...log, "y".repeat(5_000)],
    }).report;

    assert.equal(read?.reason?.length, 1_000);
    assert.equal(read.log?.length, 50);
    assert.equal(read.log.at(-1)?.length, 1_000);
  });

  test("may say more than this Berth knows", () => {
    assert.equal(parse({ newField: { of: "a newer host" } }).report?.release, 3);
  });

  const damages: Readonly<Record<string, [more: object, why: RegExp]>> = {
    "a release past counting": [{ release: 2 ** 53 - 1 }, /^release: /],
    "a release below one": [{ release: -1 }, /^release: /],
    "half a release": [{ serves: 1.5 }, /^serves: /],
    "a status that there isn't": [{ status: "fine" }, /^status: /],
    "less than no tries": [{ upstream: { tries: -1, errors: 0 } }, /^upstream\.tries: /],
    "a time as long as a book": [{ at: "x".repeat(5_000) }, /^at: /],
    "a log that is no list": [{ log: "all of it" }, /^log: /],
  };
  for (const [what, [more, why]] of Object.entries(damages))
    test(`with ${what} is none, and it says why`, () => {
      const { report: read, problem } = parse(more);
      assert.equal(read, undefined);
      assert.match(problem ?? "", why);
    });
});

describe("a wished release", () => {
  const damages: Readonly<Record<string, object>> = {
    "port 0": { port: 0 },
    "10,000 variables": {
      environment: Object.fromEntries(Array.from({ length: 10_000 }, (_none, index) => [`A${index}`, ""])),
    },
    "an author as long as a book": { by: "x".repeat(5_000) },
    "a number past counting": { number: 2 ** 53 },
    "a number that no report may name": { number: 1_000_000_001 },
  };
  for (const [what, damage] of Object.entries(damages))
    test(`with ${what} is refused by the name of the object`, () => {
      const body = JSON.stringify({ ...release, ...damage });
      assert.throws(() => parseRelease(body, "s3://bucket/release.json"), {
        code: "ReleaseDamaged",
        message: /s3:\/\/bucket\/release\.json/,
      });
    });
});
