import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { loadConfig } from "../../lib/config/load.ts";
import { BerthError } from "../../lib/errors.ts";

const root = await mkdtemp(join(tmpdir(), "berth-config-files-"));
after(() => rm(root, { recursive: true, force: true }));
await mkdir(join(root, "app"));
await writeFile(join(root, "app", "Dockerfile"), "FROM scratch\n");
const file = join(root, "berth.yaml");
const start = "stack: hello\nregion: eu-central-1\n";

async function load(text: string, options: Parameters<typeof loadConfig>[1] = {}) {
  await writeFile(file, text);
  return loadConfig(file, options);
}

async function refusalOf(text: string, options: Parameters<typeof loadConfig>[1] = {}): Promise<BerthError> {
  const error: unknown = await load(text, options).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof BerthError, "it was taken");
  return error;
}

describe("a configuration file", () => {
  it("is frozen to its depth once it is read", async () => {
    const config = await load(`${start}app: { source: app }\ntags: { Team: a }\n`);

    for (const part of [
      config,
      config.app,
      config.ingress,
      config.ingress[0]?.from,
      config.tags,
      config.state,
    ])
      assert.ok(Object.isFrozen(part));
  });

  it("has its paths read from where it lies", async () => {
    const config = await load(
      `${start}app: { source: app, dockerfile: app/Dockerfile }\nstate: { backend: file, path: kept }\n`,
    );

    assert.equal(config.app.source, join(root, "app"));
    assert.equal(config.app.dockerfile, join(root, "app", "Dockerfile"));
    assert.deepEqual(config.state, { backend: "file", path: join(root, "kept") });
    assert.deepEqual([config.file, config.directory], [file, root]);
  });

  it("names folders and files that aren't there, with their places", async () => {
    const { detail, message } = await refusalOf(
      `${start}app:\n  source: gone\n  dockerfile: gone.Dockerfile\n`,
    );

    assert.match(message, /^2 problems in .*berth\.yaml; nothing was called$/);
    assert.match(detail[0] ?? "", /berth\.yaml:4:3 {2}app\.source: no folder at .*gone$/);
    assert.match(detail[1] ?? "", /berth\.yaml:5:3 {2}app\.dockerfile: no file at .*gone\.Dockerfile$/);
  });

  it("takes a file in the place of the source for no folder", async () => {
    assert.match(
      (await refusalOf(`${start}app: { source: app/Dockerfile }\n`)).detail[0] ?? "",
      /no folder at/,
    );
  });

  it("can be given another stack's name, which is looked at as closely", async () => {
    assert.equal((await load(`${start}app: { source: app }\n`, { stack: "other" })).stack, "other");
    const { code, detail } = await refusalOf(`${start}app: { source: app }\n`, { stack: "Other_" });
    assert.equal(code, "BadConfiguration");
    assert.match(detail[0] ?? "", /stack: use lower-case letters/);
  });

  it("that repeats a key is refused", async () => {
    assert.match(
      (await refusalOf(`${start}stack: other\napp: { source: app }\n`)).detail[0] ?? "",
      /:3:1 .*the key "stack" is there twice/,
    );
  });

  it("that is a list, or a text, is refused", async () => {
    for (const text of ["- a\n", "hello\n", "7\n"])
      assert.equal((await refusalOf(text)).code, "BadConfiguration", text);
  });

  it("that blows up by its aliases is refused", async () => {
    const repeat = (alias: string, count: number) => Array.from({ length: count }, () => alias).join(", ");
    const text = (count: number) =>
      `${start}app: { source: app }\nhttps: off\ningress:\n  - &rule { port: 80, from: [&all 0.0.0.0/0, ${repeat("*all", 99)}] }\n  - { port: 81, from: 10.0.0.0/8 }\n  - ${repeat("*rule", count).replaceAll(", ", "\n  - ")}\n`;
    // A rule holds 102 values and a list, and the first has 99 values by aliases.
    assert.equal((await load(text(96))).ingress.length, 98);
    assert.deepEqual(
      (await refusalOf(text(97))).detail.map((line) => line.slice(file.length)),
      [":104:5  aliases repeat more than 10000 values, which no stack needs"],
    );
  });

  it("names secrets' files from its own folder, and takes build arguments as they are written", async () => {
    const build = "{ args: { VERSION: 1.10, DEBUG: TRUE }, secrets: { a: { file: s/a }, b: { env: B } } }";
    const { app, directory } = await load(`${start}app: { source: app, build: ${build} }\n`);

    assert.deepEqual(app.build, {
      args: { VERSION: "1.10", DEBUG: "TRUE" },
      secrets: { a: { file: join(directory, "s/a") }, b: { env: "B" } },
    });
  });

  it("is told that a secret's value doesn't belong into it", async () => {
    const { detail } = await refusalOf(`${start}app: { source: app, build: { secrets: { a: s3cret } } }\n`);

    assert.match(
      detail[0] ?? "",
      /app\.build\.secrets\.a: say where the secret comes from: \{env: VARIABLE\}/,
    );
    assert.doesNotMatch(detail.join(), /s3cret/);
  });

  it("is told what a key could have been, or what is known there", async () => {
    const { detail } = await refusalOf(`${start}app: { source: app, prot: 1, zzzzzzzz: 2 }\n`);

    assert.match(detail[0] ?? "", /app\.prot: unknown key; did you mean "port"\?$/);
    assert.match(
      detail[1] ?? "",
      /app\.zzzzzzzz: unknown key; known here: source, dockerfile, build, port, /,
    );
  });
});
