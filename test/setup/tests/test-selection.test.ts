import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findUnrunnable, selectTests } from "../../../setup/tests/test-selection.ts";

const all = [
  "test/b.test.ts",
  "test/a.docker.test.ts",
  "test/compose/c.docker.test.ts",
  "test/deep/d.test.ts",
];
const slow = ["test/deep/e.slow.test.ts", "test/f.docker.slow.test.ts"];
const select = (...args: string[]) => selectTests(args, [...all, ...slow], "/project");

describe("the arguments of npm test", () => {
  it("choose everything but the slow when there are none", () => {
    assert.deepEqual(select(), { files: all.toSorted(), options: [] });
  });

  it("choose everything by --all", () => {
    assert.deepEqual(select("--all"), { files: [...all, ...slow].toSorted(), options: [] });
  });

  it("choose the slow with their folder", () => {
    assert.deepEqual(select("test/deep").files, ["test/deep/d.test.ts", "test/deep/e.slow.test.ts"]);
  });

  it("choose files by path, relative, absolute or a folder's", () => {
    assert.deepEqual(select("./test/b.test.ts").files, ["test/b.test.ts"]);
    assert.deepEqual(select("/project/test/b.test.ts").files, ["test/b.test.ts"]);
    assert.deepEqual(select("test/deep/d.test.ts", "test/b.test.ts").files, [
      "test/b.test.ts",
      "test/deep/d.test.ts",
    ]);
  });

  it("take any other word as a part of a test's name", () => {
    assert.deepEqual(select("lease"), { files: all.toSorted(), options: ["--test-name-pattern=lease"] });
  });

  it("give options on, with their values", () => {
    assert.deepEqual(select("--test-only", "--test-name-pattern", "a b", "test/b.test.ts"), {
      files: ["test/b.test.ts"],
      options: ["--test-only", "--test-name-pattern=a b"],
    });
  });

  it("are refused when a path leads nowhere", () => {
    assert.throws(() => select("test/nowhere.test.ts"), { code: "BadArguments", exitCode: 3 });
    assert.throws(() => select("nowhere.ts"), { code: "BadArguments" });
  });
});

describe("the tests that can't run", () => {
  it("are those that need an engine, when there is none", () => {
    const found = findUnrunnable([...all, ...slow], { engine: true, compose: false });
    assert.deepEqual(found, [
      "test/a.docker.test.ts",
      "test/compose/c.docker.test.ts",
      "test/f.docker.slow.test.ts",
    ]);
  });

  it("are the cluster's, when Compose is missing", () => {
    assert.deepEqual(findUnrunnable(all, { engine: false, compose: true }), [
      "test/compose/c.docker.test.ts",
    ]);
  });

  it("are none where both are there", () => {
    assert.deepEqual(findUnrunnable(all, { engine: false, compose: false }), []);
  });
});
