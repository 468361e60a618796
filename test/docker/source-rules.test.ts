import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { pack } from "tar-stream";
import { packContext, readContext } from "../../lib/docker/build-context.ts";
import { formatBytes, readRecords, recordedError } from "../../lib/docker/records.ts";
import { declaredArgs } from "../../lib/docker/dockerfile.ts";
import { openSource } from "../../lib/docker/source.ts";
import { writeSourceFolder, type Files } from "./source-folder.ts";

const app: Files = { Dockerfile: "FROM scratch\nARG A\nARG B=1\n  arg C\n# ARG D\n", "main.go": "x" };
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

async function pathsOf(files: Files): Promise<string[]> {
  await using folder = await writeSourceFolder(files);
  const rules = files[".dockerignore"];
  return (await readContext(folder.path, { ignored: typeof rules === "string" ? rules : "" })).map(
    ({ path }) => path,
  );
}

describe("the hash of a source", () => {
  // A registry holds images under it: with another hash for the same content, every app would be built and shipped anew.
  it("is this one for this content", async () => {
    await using folder = await writeSourceFolder(app);
    const { hash, tag, platform } = await openSource({ source: folder.path });

    const dockerfile = typeof app["Dockerfile"] === "string" ? app["Dockerfile"] : "";
    const entry = (path: string, content: string) => ({
      type: "file",
      path,
      executable: false,
      sizeBytes: content.length,
      sha256: sha256(content),
    });
    const decides = {
      format: 1,
      platform: "linux/amd64",
      buildArgs: [],
      dockerfile: sha256(dockerfile),
      entries: [entry("Dockerfile", dockerfile), entry("main.go", "x")],
    };
    assert.equal(hash, sha256(JSON.stringify(decides)));
    assert.equal(tag, `src-${hash.slice(0, 16)}`);
    assert.equal(platform, "linux/amd64");
  });

  it("counts a Dockerfile that lies elsewhere, by its content alone", async () => {
    await using source = await writeSourceFolder({ "main.go": "x" });
    const hashWith = async (name: string, recipe: string) => {
      await using elsewhere = await writeSourceFolder({ [name]: recipe });
      return (await openSource({ source: source.path, dockerfile: join(elsewhere.path, name) })).hash;
    };

    const hash = await hashWith("Dockerfile", "FROM scratch\n");
    assert.equal(await hashWith("Other", "FROM scratch\n"), hash);
    assert.notEqual(await hashWith("Dockerfile", "FROM busybox\n"), hash);
  });

  it("knows the arguments that the Dockerfile declares", async () => {
    await using folder = await writeSourceFolder(app);

    assert.deepEqual(
      declaredArgs((await openSource({ source: folder.path })).recipe),
      new Set(["A", "B", "C"]),
    );
  });
});

describe("what a build gets to see", () => {
  it("is everything, where nothing is said", async () => {
    assert.deepEqual(await pathsOf({ ...app, ".env": "", "a/b": "" }), [
      ".env",
      "Dockerfile",
      "a",
      "a/b",
      "main.go",
    ]);
  });

  for (const [rules, seen] of [
    [".env", ["a", "a/.env", "a/b.log", "keep"]],
    ["**/.env", ["a", "a/b.log", "keep"]],
    ["a", [".env", "keep"]],
    ["a\n!a/b.log", [".env", "a/b.log", "keep"]],
    ["*\n!keep", ["keep"]],
    ["# keep\n\n*.log", [".env", "a", "a/.env", "a/b.log", "keep"]],
    ["KEEP", [".env", "a", "a/.env", "a/b.log", "keep"]],
  ] as const) {
    it(`is ${seen.join(", ")} by the rules ${JSON.stringify(rules)}`, async () => {
      const found = await pathsOf({
        ".dockerignore": rules,
        ".env": "",
        "a/.env": "",
        "a/b.log": "",
        keep: "",
      });

      assert.deepEqual(
        found.filter((path) => path !== ".dockerignore"),
        seen,
      );
    });
  }

  it("is told by the rules of the very Dockerfile before those of the folder", async () => {
    await using folder = await writeSourceFolder({
      ...app,
      "Dockerfile.dockerignore": "main.go\n",
      ".dockerignore": "Dockerfile*\n",
    });
    const tar = await text((await openSource({ source: folder.path })).pack());

    assert.doesNotMatch(tar, /main\.go\0/);
    assert.match(tar, /Dockerfile\0/);
  });

  it("is packed alike whoever packs it, and in place of what it stands for", async () => {
    await using folder = await writeSourceFolder({ a: "theirs", b: "b" });
    await utimes(join(folder.path, "b"), 1_700_000_000, 1_700_000_000);
    const entries = await readContext(folder.path, { ignored: "" });
    const tar = pack();
    const header = { uid: 0, gid: 0 };
    tar.entry({ ...header, name: "b", type: "file", mode: 0o644, mtime: new Date(1_700_000_000_000) }, "b");
    tar.entry({ ...header, name: "a", mtime: new Date(0) }, "ours");
    tar.finalize();

    const packed = await text(packContext(folder.path, entries, [{ path: "a", bytes: Buffer.from("ours") }]));

    assert.equal(packed, await text(Readable.from(tar)));
  });
});

describe("what an engine tells", () => {
  const read = async (...chunks: string[]) => {
    const records: unknown[] = [];
    for await (const record of readRecords(Readable.from(chunks.map((one) => Buffer.from(one)))))
      records.push(record);
    return records;
  };

  it("is read line by line, wherever it is cut, to the last one without an end", async () => {
    assert.deepEqual(await read('{"stream":"a"}\n{"str', 'eam":"b"}\r\n\n', '{"error":"c"}'), [
      { stream: "a" },
      { stream: "b" },
      { error: "c" },
    ]);
  });

  it("is a failure where it says so, in the better of its two words", () => {
    assert.equal(recordedError({ stream: "fine" }), undefined);
    assert.equal(recordedError({ error: "short" }), "short");
    assert.equal(recordedError({ error: "short", errorDetail: { message: "long" } }), "long");
  });

  it("is counted in decimal units", () => {
    assert.deepEqual([1, 999_999, 1e6, 5_940_000, 1e9].map(formatBytes), [
      "1 kB",
      "1000 kB",
      "1.0 MB",
      "5.9 MB",
      "1.0 GB",
    ]);
  });
});
