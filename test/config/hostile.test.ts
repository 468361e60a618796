import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";

const directory = await mkdtemp(join(tmpdir(), "berth-hostile-config-"));
after(() => rm(directory, { recursive: true, force: true }));
await mkdir(join(directory, "app"));
const file = join(directory, "berth.yaml");
const head = "stack: hello\nregion: eu-central-1\napp: { source: app }\n";
const withEnvironment = (flow: string) =>
  `stack: hello\nregion: eu-central-1\napp:\n  source: app\n  environment: ${flow}\n`;
const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_none, index) => `${line(index)}\n`).join("");

async function refusalOf(text: string): Promise<readonly string[]> {
  await writeFile(file, text);
  const error: unknown = await loadConfig(file).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BerthError, error instanceof Error ? error.stack : "it was read");
  assert.equal(error.code, "BadConfiguration");
  return error.detail.map((row) => row.slice(file.length));
}

test("names that every object has are names like any other", async () => {
  const names = "{ constructor: a, toString: b, valueOf: c, hasOwnProperty: d }";
  await writeFile(file, `${withEnvironment(names)}tags: ${names}\n`);

  const { app, tags } = await loadConfig(file);

  for (const values of [app.environment, tags])
    assert.deepEqual(Object.entries(values), [
      ["constructor", "a"],
      ["toString", "b"],
      ["valueOf", "c"],
      ["hasOwnProperty", "d"],
    ]);
});

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Each with the place and the words of its first problem. */
const refused: Readonly<Record<string, [text: string, first: RegExp]>> = {
  "a variable __proto__": [withEnvironment("{ __proto__: a }"), /^:5:18 {2}"__proto__" can't be a name/],
  "a tag __proto__": [`${head}tags: { "__proto__": a }\n`, /^:4:9 {2}"__proto__" can't be a name/],
  "a key __proto__ of the file": [
    `${head}__proto__: { stack: other }\n`,
    /^:4:1 {2}"__proto__" can't be a name/,
  ],
  "a variable that is there twice": [
    withEnvironment("{ A: 1, B: 2, A: 3 }"),
    /^:5:30 {2}the key "A" is there twice/,
  ],
  "a NUL in a variable": [withEnvironment(String.raw`{ A: "a\0b" }`), /^:5:18 {2}app\.environment\.A: .*NUL/],
  "a NUL in a path": [head.replace("app }", String.raw`"app\0" }`), /^:3:8 {2}app\.source: .*NUL/],
  "a NUL in a tag": [`${head}tags: { a: "a\\0b" }\n`, /^:4:9 {2}tags\.a: AWS takes letters/],
  "a control in a tag's name": [`${head}tags: { "a\\e[2J": b }\n`, /^:4:9 {2}tags\..*AWS takes letters/],
  "a tag's name of 129 characters": [`${head}tags: { ${"a".repeat(129)}: b }\n`, /^:4:9 {2}tags\..*128/],
  "a tag's value of 257 characters": [`${head}tags: { a: ${"b".repeat(257)} }\n`, /^:4:9 {2}tags\.a: .*256/],
  "41 tags": [`${head}tags:\n${lines(41, (index) => `  t${index}: v`)}`, /^:4:1 {2}tags: AWS takes 50/],
  "20,000 tags": [
    `${head}tags:\n${lines(20_000, (index) => `  t${index}: v`)}`,
    /^:5:3 {2}more than 1000 entries/,
  ],
  "300,000 tags": [
    `${head}tags:\n${lines(300_000, (index) => `  t${index}: v`)}`,
    /^:\d+:1 {2}the file goes on past 256 KiB/,
  ],
  "10,000 tags that are reserved": [
    `${head}tags:\n${lines(10_000, (index) => `  aws:t${index}: v`)}`,
    /^:5:3 {2}more than 1000 entries/,
  ],
  "15,000 unknown keys": [lines(15_000, (index) => `t${index}: v`), /^:1:1 {2}more than 1000 entries/],
  "300,000 variables": [
    `${withEnvironment("")}${lines(300_000, (index) => `    V${index}: v`)}`,
    /^:\d+:1 {2}the file goes on past 256 KiB/,
  ],
  "more in variables than a process takes": [
    withEnvironment(`{ A: ${"x".repeat(131_070)} }`),
    /^:5:18 {2}app\.environment\.A: takes 131072 bytes/,
  ],
  "20,000 lists in one another": [
    `${head}tags: ${nested(20_000, "[", "]")}\n`,
    /^:4:\d+ {2}it is nested too deep/,
  ],
  "20,000 keys in one another": [`${head}tags: ${"? ".repeat(20_000)}\n`, /^:4:7 {2}/],
  "a list as a key": [`${head}? [a, b]\n: c\n`, /^:4:3 {2}a key is one word/],
  "aliases of aliases": [
    `a: &a0 [x, x]\n${lines(20, (index) => `b${index}: &a${index + 1} [*a${index}, *a${index}]`)}${head}`,
    /^:1:1 {2}a: unknown key/,
  ],
};

for (const [what, [text, first]] of Object.entries(refused))
  test(`${what}: refused with line and column`, async () => {
    const [row = ""] = await refusalOf(text);
    assert.match(row, first);
    assert.match(row, /^[^\p{Cc}]{1,600}$/u);
  });

test("a file without an end is read no further than a configuration can be", async () => {
  await assert.rejects(loadConfig("/dev/zero"), { code: "BadConfiguration", message: /1 problem/ });
});
