import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { schema } from "../../lib/config/schema.ts";
import { compareContent } from "../../lib/release/comparison.ts";
import { parseRelease } from "../../lib/release/document.ts";
import { appFields, contentOf } from "../../lib/release/schema.ts";
import { at, content, published } from "./releases.ts";

const parse = (fields: object) => parseRelease(JSON.stringify(fields), "here");
const isRelease = (fields: object): boolean => {
  try {
    return parse(fields).number > 0;
  } catch {
    return false;
  }
};
const configure = (app: object) =>
  schema.safeParse({ stack: "hello", region: "eu-central-1", app: { source: "app", ...app } });

describe("a release", () => {
  it("has every field of the configuration's app but where its source is and how it is built", () => {
    const { user, command, health } = content;
    const { app } = configure({ user, command, health }).data ?? assert.fail("refused");
    const { source: _source, build: _build, ...fields } = app;

    assert.deepEqual(contentOf(app, "an-image"), { image: "an-image", ...fields });
    assert.deepEqual(Object.keys(fields).toSorted(), Object.keys(appFields).toSorted());
  });

  it("is read within the bounds that a configuration has", () => {
    for (const [field, bounds] of Object.entries({
      port: [0, 1, 65_535, 65_536],
      replicas: [0, 1, 10, 11],
      memoryMib: [15, 16, 65_536, 65_537],
      startSeconds: [0, 1, 300, 301],
      tmpMib: [0, 1, 65_536, 65_537],
    })) {
      for (const [index, value] of bounds.entries()) {
        const expected = index === 1 || index === 2;
        assert.equal(configure({ [field]: value }).success, expected, `${field}: ${value}`);
        assert.equal(isRelease({ ...published, [field]: value }), expected, `${field}: ${value}`);
      }
    }
  });

  it("holds the environment as text that a process can take", () => {
    const { app } = configure({ environment: { PORT: "80", NAME: "x" } }).data ?? assert.fail("refused");

    assert.deepEqual(contentOf(app, "an-image").environment, { PORT: "80", NAME: "x" });
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
    const { app } = configure(set).data ?? assert.fail("refused");
    const today = contentOf(app, image);

    assert.deepEqual(compareContent(today, parse(earlier)), []);
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
