import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { run } from "../../setup/child-process.ts";
import { chooseFaults, readFaults } from "./fault.ts";
import { rooms } from "./rooms.ts";
import { isGood, sumUp, tableOf } from "./table.ts";
import { applyArguments } from "./tree-copy.ts";
import { tryFaults } from "./trial.ts";
import { root } from "../../lib/paths.ts";

describe("the planted faults", async () => {
  const faults = await readFaults(root);

  it("still fit the tree", async () => {
    const checked = faults.map(async ({ path }) => {
      const { code, lines } = await run("git", [...applyArguments, "--check", path], { cwd: root });
      return code === 0 ? [] : [path, ...lines];
    });
    assert.deepEqual((await Promise.all(checked)).flat(), []);
  });

  it("name tests that are there, and change something else than tests", async () => {
    const named = [...new Set(faults.flatMap(({ tests }) => tests))];
    for (const test of named) {
      assert.match(test, /^test\/.*\.test\.ts$/);
      await readFile(join(root, test));
    }
    for (const { path, changes } of faults) {
      assert.ok(changes.length > 0, path);
      assert.ok(!changes.some((file) => file.endsWith(".test.ts")), path);
    }
  });
});

describe("the rooms that Stryker changes", () => {
  it("name files and tests that are there", async () => {
    for (const [name, { mutate, tests }] of Object.entries(rooms)) {
      for (const pattern of mutate.filter((one) => !one.startsWith("!"))) {
        const files = bracesOf(pattern).flatMap((one) => globOf(one));
        assert.ok(files.length > 0, `${name}: ${pattern}`);
      }
      for (const test of tests) await readFile(join(root, test));
    }
  });
});

/** `a/{b,c}.ts` as `a/b.ts` and `a/c.ts`. */
function bracesOf(pattern: string): string[] {
  const [, head = "", inner, tail = ""] = /^(.*?)\{([^}]*)\}(.*)$/.exec(pattern) ?? [];
  return inner === undefined ? [pattern] : inner.split(",").map((one) => `${head}${one}${tail}`);
}

/** The TypeScript files that `folder/*.ts` or a plain path stands for. */
function globOf(pattern: string): string[] {
  if (!pattern.endsWith("/*.ts")) return existsSync(join(root, pattern)) ? [pattern] : [];
  const folder = join(root, dirname(pattern));
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ts")) : [];
}

const tree = await mkdtemp(join(tmpdir(), "berth-planted-test-"));
after(() => rm(tree, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
}

const patch = (test: string, from: string, to: string) =>
  `# test: ${test}\n--- a/lib/sum.ts\n+++ b/lib/sum.ts\n@@ -1 +1 @@\n-${from}\n+${to}\n`;
const sum = "export const sum = (a: number, b: number): number => a + b;";
const check = (expected: number) =>
  `import test from "node:test";\nimport assert from "node:assert";\nimport { sum } from "../lib/sum.ts";\ntest("sum", () => assert.equal(sum(2, 2), ${expected}));\n`;

describe("planting", () => {
  it("tells noticed from survived, and neither where a patch or a test can't tell; the tree stays as it is", async () => {
    await write({
      "package.json": '{"type":"module"}',
      "lib/sum.ts": `${sum}\n`,
      "test/good.test.ts": check(4),
      "test/wrong.test.ts": check(5),
      "test/planted/sums/noticed.patch": patch("test/good.test.ts", sum, sum.replace("a + b", "a - b")),
      "test/planted/sums/survived.patch": patch("test/good.test.ts", sum, sum.replace("a + b", "a * b")),
      "test/planted/other/stale.patch": patch("test/good.test.ts", "another line", sum),
      "test/planted/other/broken.patch": patch("test/good.test.ts", sum, sum.replace("a + b", "a + ")),
      "test/planted/other/red.patch": patch("test/wrong.test.ts", sum, sum.replace("a + b", "a - b")),
    });
    await symlink(join(root, "node_modules"), join(tree, "node_modules"));
    const faults = await readFaults(tree);

    const results = await tryFaults({ root: tree, faults, workers: 2, signal: new AbortController().signal });

    assert.deepEqual(
      results.map(({ fault, verdict }) => [fault.name, verdict]),
      [
        ["broken", "stale"],
        ["red", "red"],
        ["stale", "stale"],
        ["noticed", "noticed"],
        ["survived", "survived"],
      ],
    );
    assert.equal(await readFile(join(tree, "lib/sum.ts"), "utf8"), `${sum}\n`);
    assert.match(tableOf(results), /^sums +1 +1 {2}<$[\s\S]*^ {2}test\/planted\/sums\/survived\.patch$/m);
    assert.deepEqual(
      chooseFaults(faults, ["sums", "other/red"]).map(({ name }) => name),
      ["red", "noticed", "survived"],
    );
  });

  it("is good when nine of ten are noticed in each area", () => {
    const sums = { area: "sums", noticed: 9, survived: 1, stale: 0, red: 0 };

    assert.equal(isGood(sums), true);
    assert.equal(isGood({ ...sums, noticed: 8 }), false);
    assert.equal(isGood({ ...sums, stale: 1 }), false);
    assert.equal(isGood({ ...sums, red: 1 }), false);
    assert.deepEqual(sumUp([]), []);
  });

  it("refuses a patch that names no test", async () => {
    await write({ "test/planted/sums/nameless.patch": "--- a/lib/sum.ts\n" });

    await assert.rejects(readFaults(tree), /nameless\.patch doesn't begin with "# test/);
  });
});
