import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import { extract } from "tar-stream";
import { readContext } from "../../lib/docker/build-context.ts";
import { privateText } from "../../lib/docker/private-names.ts";
import { readRecords } from "../../lib/docker/records.ts";
import { declaredArgs } from "../../lib/docker/dockerfile.ts";
import { openSource } from "../../lib/docker/source.ts";
import { type Files, writeSourceFolder } from "./source-folder.ts";

const recipe = "FROM scratch\n";
const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

async function pathsOf(files: Files): Promise<string[]> {
  await using folder = await writeSourceFolder(files);
  return (await readContext(folder.path, { ignored: "" })).map(({ path }) => path);
}

describe("a build context", () => {
  it("is in the order of its paths, whatever order the folders have", async () => {
    assert.deepEqual(await pathsOf({ "b/z": "", "b/a": "", "b-c": "", B: "", "b.d": "", "a/a": "" }), [
      "B",
      "a",
      "a/a",
      "b",
      "b-c",
      "b.d",
      "b/a",
      "b/z",
    ]);
  });

  it("holds no socket", async () => {
    await using folder = await writeSourceFolder({ a: "" });
    const server = createServer().listen(join(folder.path, "s"));
    await once(server, "listening");
    try {
      assert.deepEqual(
        (await readContext(folder.path, { ignored: "" })).map(({ path }) => path),
        ["a"],
      );
    } finally {
      server.close();
    }
  });

  it("counts build arguments in the order of their names", async () => {
    await using folder = await writeSourceFolder({ Dockerfile: recipe });
    const { hash } = await openSource({ source: folder.path, buildArgs: { B: "2", A: "1" } });
    const file = { type: "file", path: "Dockerfile", executable: false, sizeBytes: recipe.length };
    const decides = {
      format: 1,
      platform: "linux/amd64",
      buildArgs: [
        ["A", "1"],
        ["B", "2"],
      ],
      dockerfile: sha256(recipe),
      entries: [{ ...file, sha256: sha256(recipe) }],
    };

    assert.equal(hash, sha256(JSON.stringify(decides)));
  });

  for (const [what, files, hides] of [
    ["without rules", {}, "\n.berth.dockerfile\n.dockerignore\n"],
    ["with rules that a build may see", { ".dockerignore": "b\n" }, "b\n\n.berth.dockerfile\n"],
    [
      "with rules that it may not",
      { ".dockerignore": ".dockerignore\n" },
      ".dockerignore\n\n.berth.dockerfile\n.dockerignore\n",
    ],
    [
      "with rules behind a byte order mark",
      { ".dockerignore": "\uFEFFb\n\uFEFFc" },
      "b\n\uFEFFc\n.berth.dockerfile\n",
    ],
  ] as const)
    it(`is packed ${what} so that COPY gets nothing of Berth's`, async () => {
      await using folder = await writeSourceFolder({ Dockerfile: recipe, a: "", ...files });
      const packed = new Map<string, string>();
      const tar = extract();

      const packing = pipeline((await openSource({ source: folder.path })).pack(), tar);
      for await (const entry of tar) packed.set(entry.header.name, await text(entry));
      await packing;

      assert.equal(packed.get(".dockerignore"), hides);
      assert.equal(packed.get(".berth.dockerfile"), recipe);
    });
});

describe("a Dockerfile", () => {
  it("that is named and isn't there is missed, though Berth has one for a Go module", async () => {
    await using folder = await writeSourceFolder({ "go.mod": "module a\n" });

    await assert.rejects(openSource({ source: folder.path, dockerfile: join(folder.path, "Gone") }), {
      code: "DockerfileMissing",
      message: `there is no Dockerfile at ${join(folder.path, "Gone")}`,
      hint: "correct app.dockerfile, or remove it to use the one in the source folder",
    });
  });

  it("that is missed where none was named can be written or named", async () => {
    await using folder = await writeSourceFolder({ a: "" });

    await assert.rejects(openSource({ source: folder.path }), {
      message: `there is no Dockerfile at ${join(folder.path, "Dockerfile")}`,
      hint: /^write one there, or name one by app\.dockerfile/,
    });
  });

  it("may not be a link out of the folder, by whatever name that lies in it", async () => {
    await using outside = await writeSourceFolder({ secret: "x" });
    for (const name of ["Dockerfile", "a../Dockerfile", "..a/Dockerfile"]) {
      await using folder = await writeSourceFolder({ [name]: { link: join(outside.path, "secret") } });
      const dockerfile = join(folder.path, name);

      await assert.rejects(
        openSource({ source: folder.path, dockerfile }),
        { code: "SourceLeavesFolder" },
        name,
      );
    }
  });

  it("declares arguments by their whole names, however far they stand from ARG", async () => {
    await using folder = await writeSourceFolder({
      Dockerfile: "FROM scratch\nARG \t VERSION=1\nRUN echo ARG NO\nARG other_one\n",
    });

    assert.deepEqual(
      declaredArgs((await openSource({ source: folder.path })).recipe),
      new Set(["VERSION", "other_one"]),
    );
  });
});

describe("what only sounds private", () => {
  const privateOf = async (files: Files) => {
    await using folder = await writeSourceFolder({ Dockerfile: recipe, ...files });
    return (await openSource({ source: folder.path })).privatePaths;
  };

  it("isn't told", async () => {
    const harmless = [
      ".environment",
      "id_rsa.md",
      "server.pem.md",
      ".npmrc.md",
      "credentials.json.md",
      "pub/a.ts",
      ".git/config.d/readme",
    ];
    const remote = "url = https://me:token@example.test/a.git\n";

    const files = Object.fromEntries(harmless.map((path) => [path, remote]));
    assert.deepEqual(await privateOf({ ...files, ".dockerignore": "!.git\n" }), []);
    assert.deepEqual(await privateOf({ "notes.txt": remote, ".env/a": "", ".env.d/a": "" }), []);
    assert.deepEqual(await privateOf({ a: "", ".env": { link: "a" } }), []);
  });

  it("is told though it looks like an example at first", async () => {
    assert.deepEqual(await privateOf({ ".env.example.local": "", "a.pub.pem": "" }), [
      ".env.example.local",
      "a.pub.pem",
    ]);
  });

  it("is told for a header that holds a token, however it is written", async () => {
    for (const line of ["extraheader=AUTHORIZATION: basic x", "extraheader  = AUTHORIZATION: basic x"])
      assert.deepEqual(
        await privateOf({ ".dockerignore": "!.git\n", ".git/config": `[http]\n\t${line}\n` }),
        [".git/config"],
        line,
      );
  });

  it("names five without a word of more", () => {
    const paths = ["a", "b", "c", "d", "e"];

    assert.match(privateText("app", paths) ?? "", /private: a, b, c, d, e$/);
    assert.match(privateText("app", [...paths, "f"]) ?? "", /private: a, b, c, d, e and 1 more$/);
  });
});

it("lines of an engine's answer that hold nothing are no records", async () => {
  const records: unknown[] = [];
  for await (const record of readRecords(Readable.from(['\r\n{"stream":"a"}\r\n  \n', " \n\t"])))
    records.push(record);

  assert.deepEqual(records, [{ stream: "a" }]);
});
