import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { schema } from "../../lib/config/schema.ts";
import { compareContent } from "../../lib/release/comparison.ts";
import { parseRelease } from "../../lib/release/document.ts";
import { appFields, contentOf, edgeFields } from "../../lib/release/schema.ts";
import { at, content, published } from "./releases.ts";

const parse = (fields: object) => parseRelease(JSON.stringify(fields), "here");
const isRelease = (fields: object): boolean => {
  try {
    return parse(fields).number > 0;
  } catch {
    return false;
  }
};
const configure = (app: object, edge: object = {}) =>
  schema.safeParse({ stack: "hello", region: "eu-central-1", app: { source: "app", ...app }, edge });

describe("a release", () => {
  it("has every field of the configuration's app but where its source is and how it is built", () => {
    const { user, command, health } = content;
    const releaseCommand = ["migrate"];
    const { app, edge } = configure({ user, command, releaseCommand, health }).data ?? assert.fail("refused");
    const { source: _source, build: _build, ...fields } = app;

    assert.deepEqual(contentOf({ ...app, edge }, "an-image"), { image: "an-image", ...fields, edge });
    assert.deepEqual(Object.keys(fields).toSorted(), Object.keys(appFields).toSorted());
    assert.deepEqual(Object.keys(edge).toSorted(), Object.keys(edgeFields).toSorted());
  });

  it("is read within the bounds that a configuration has", () => {
    for (const [field, bounds] of Object.entries({
      port: [0, 1, 65_535, 65_536],
      replicas: [0, 1, 10, 11],
      memoryMib: [15, 16, 65_536, 65_537],
      startSeconds: [0, 1, 300, 301],
      tmpMib: [0, 1, 65_536, 65_537],
      stopSeconds: [0, 1, 120, 121],
    })) {
      for (const [index, value] of bounds.entries()) {
        const expected = index === 1 || index === 2;
        assert.equal(configure({ [field]: value }).success, expected, `${field}: ${value}`);
        assert.equal(isRelease({ ...published, [field]: value }), expected, `${field}: ${value}`);
      }
    }
  });

  it("is read within the bounds that a configuration of the edge has", () => {
    const blocks = (count: number) => Array.from({ length: count }, (_, index) => `10.0.${index}.0/24`);
    const taken: Readonly<Record<string, readonly unknown[]>> = {
      bodyMib: [1, 2048],
      answerSeconds: [1, 600],
      idleSeconds: [1, 3600],
      drainSeconds: [1, 300],
      headerKib: [8, 128],
      underscores: ["drop", "pass"],
      trustedProxies: [[], ["10.0.0.0/8"], ["203.0.113.7/32"], blocks(256)],
    };
    const refused: Readonly<Record<string, readonly unknown[]>> = {
      bodyMib: [0, 2049, 1.5, "10"],
      answerSeconds: [0, 601],
      idleSeconds: [0, 3601],
      drainSeconds: [0, 301],
      headerKib: [7, 129],
      underscores: ["", "DROP", true],
      trustedProxies: [
        "10.0.0.0/8",
        ["0.0.0.0/0"],
        ["0.0.0.0/7"],
        ["10.0.0.1/8"],
        ["10.0.0.0"],
        ["::/8"],
        ["10.0.0.0/8; }"],
        blocks(257),
      ],
    };
    for (const [values, expected] of [
      [taken, true],
      [refused, false],
    ] as const)
      for (const [field, value] of Object.entries(values).flatMap(([name, all]) =>
        all.map((one) => [name, one] as const),
      )) {
        const edge = { ...content.edge, [field]: value };
        assert.equal(
          configure({}, { [field]: value }).success,
          expected,
          `${field}: ${JSON.stringify(value)}`,
        );
        assert.equal(isRelease({ ...published, edge }), expected, `${field}: ${JSON.stringify(value)}`);
      }
  });

  it("holds the environment as text that a process can take", () => {
    const { app, edge } =
      configure({ environment: { PORT: "80", NAME: "x" } }).data ?? assert.fail("refused");

    assert.deepEqual(contentOf({ ...app, edge }, "an-image").environment, { PORT: "80", NAME: "x" });
    for (const environment of [
      { PORT: 80 },
      { "A-B": "x" },
      { A: "\0" },
      { A: "x".repeat(128 * 1024) },
      { A: "é".repeat(64 * 1024) },
      Object.fromEntries(["A", "B", "C"].map((name) => [name, "é".repeat(45_000)])),
    ]) {
      assert.equal(configure({ environment }).success, false);
      assert.equal(isRelease({ ...published, environment }), false);
    }
  });

  it("that an earlier Berth wrote may lack what came later, and then differs from every value of it", () => {
    const { startSeconds: _later, ...earlier } = published;

    assert.deepEqual(compareContent(content, parse(earlier)), [
      { field: "startSeconds", desired: "60", observed: "(not set)" },
    ]);
  });

  it("that an earlier Berth wrote does what hosts did then, and doesn't differ from a configuration that says no more", () => {
    const { number, image, port, replicas, memoryMib, startSeconds, environment, by } = published;
    const set = { port, replicas, memoryMib, startSeconds, environment };
    const earlier = { number, image, ...set, at, by };
    const { app, edge } = configure(set).data ?? assert.fail("refused");
    const today = contentOf({ ...app, edge }, image);

    assert.deepEqual(compareContent(today, parse(earlier)), []);
    assert.deepEqual(compareContent(today, parse({ ...earlier, edge: { bodyMib: 11 } })), [
      { field: "edge.bodyMib", desired: "10", observed: "11" },
    ]);
    assert.deepEqual(compareContent({ ...today, writable: true, user: "0" }, parse(earlier)), [
      { field: "user", desired: "0", observed: "(not set)" },
      { field: "writable", desired: "true", observed: "false" },
    ]);
  });

  it("ignores what a newer Berth knows of health, where a configuration refuses it", () => {
    const health = { path: "/up", status: "204", timeoutSeconds: 5 };
    assert.deepEqual(parse({ ...published, health: { ...health, newer: 1 } }).health, health);
    assert.equal(configure({ health: { ...health, newer: 1 } }).success, false);
    assert.deepEqual(configure({ health: {} }).data?.app.health, {
      path: "/",
      status: "100-499",
      timeoutSeconds: 5,
    });
  });

  it("keeps who published it, when, and from which commit, and is compared by none of them", () => {
    const other = parse({ ...published, number: 9, at: "later", by: "bob", commit: "abc" });

    assert.deepEqual([other.number, other.by, other.commit], [9, "bob", "abc"]);
    assert.deepEqual(compareContent(content, other), []);
    assert.equal(parse(published).at, at);
  });
});
