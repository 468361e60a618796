import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import {
  assert as assertAlways,
  asyncProperty,
  constantFrom,
  dictionary,
  string,
  stringMatching,
  tuple,
} from "fast-check";
import { openEntry, readContext } from "../../lib/docker/build-context.ts";
import { openSource, packedDockerfile } from "../../lib/docker/source.ts";
import type { Source, SourceOptions } from "../../lib/docker/source.ts";
import { photograph, writeSourceFolder } from "./source-folder.ts";
import type { Files } from "./source-folder.ts";

const app: Files = {
  Dockerfile: "FROM scratch\nCOPY . /\n",
  "main.go": "package main\n",
  "go.mod": "module app\n",
  "sub/deep/page.html": "<p>hi</p>\n",
  "run.sh": { content: "#!/bin/sh\n", mode: 0o755 },
  latest: { link: "sub/deep/page.html" },
};

async function hashOf(files: Files, options: Omit<SourceOptions, "source"> = {}) {
  await using folder = await writeSourceFolder(files);
  return (await openSource({ source: folder.path, ...options })).hash;
}

function withDockerfile(tree: Record<string, string>): Files {
  return { ...tree, Dockerfile: "FROM scratch\n" };
}

function canonical(tree: Record<string, string>): string {
  const lines = Object.entries(tree).map(([path, text]) => `${path} ${Buffer.from(text).toString("hex")}`);
  return lines.toSorted().join("\n");
}

async function tarSum(source: Source): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(source.pack(), hash);
  return hash.digest("hex");
}

describe("the hash of a source", () => {
  it("is the same for the same content in another place, written at another time by another umask", async () => {
    await using one = await writeSourceFolder(app);
    await using two = await writeSourceFolder(app);
    await utimes(join(two.path, "main.go"), 1, 1);
    await chmod(join(two.path, "main.go"), 0o600);

    const [first, second] = await Promise.all([
      openSource({ source: one.path }),
      openSource({ source: two.path }),
    ]);

    assert.equal(first.hash, second.hash);
    assert.equal(first.tag, `src-${first.hash.slice(0, 16)}`);
  });

  const changes: Record<string, Files> = {
    "one byte": { ...app, "main.go": "package mian\n" },
    "the Dockerfile": { ...app, Dockerfile: "FROM scratch\nCOPY . /app\n" },
    "an executable bit": { ...app, "run.sh": "#!/bin/sh\n" },
    "a link's target": { ...app, latest: { link: "main.go" } },
    "one more empty file": { ...app, "sub/empty": "" },
    "a file in place of a link": { ...app, latest: "sub/deep/page.html" },
  };
  for (const [what, files] of Object.entries(changes)) {
    it(`changes with ${what}`, async () => assert.notEqual(await hashOf(files), await hashOf(app)));
  }

  it("changes with the platform and the build arguments, not with their order", async () => {
    const plain = await hashOf(app);
    const arm = await hashOf(app, { platform: "linux/arm64" });
    const ab = await hashOf(app, { buildArgs: { A: "1", B: "2" } });
    const ba = await hashOf(app, { buildArgs: { B: "2", A: "1" } });
    const other = await hashOf(app, { buildArgs: { A: "1", B: "3" } });

    assert.equal(new Set([plain, arm, ab, other]).size, 4);
    assert.equal(ab, ba);
  });

  it("changes with the target and the names of the secrets, not with where these come from", async () => {
    const plain = await hashOf(app);
    const target = await hashOf(app, { target: "web" });
    const one = await hashOf(app, { secrets: { a: { env: "A" }, b: { env: "B" } } });
    const same = await hashOf(app, { secrets: { b: { file: "/b" }, a: { file: "/a" } } });
    const other = await hashOf(app, { secrets: { c: { env: "A" } } });

    assert.equal(new Set([plain, target, one, other]).size, 4);
    assert.equal(one, same);
  });

  it("differs for any two trees that differ, and for no two that are the same", async () => {
    const name = stringMatching(/^[a-z]{1,2}$/);
    const path = tuple(constantFrom("", "d-x/", "d-x/d-y/"), name).map((parts) => parts.join(""));
    const tree = dictionary(path, string({ maxLength: 3, unit: "binary" }), { maxKeys: 4 });
    await assertAlways(
      asyncProperty(tree, tree, async (one, two) => {
        const [first, second] = await Promise.all(
          [withDockerfile(one), withDockerfile(two)].map((t) => hashOf(t)),
        );
        const isSame = canonical(one) === canonical(two);
        assert.equal(first === second, isSame);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what .dockerignore leaves out", () => {
  const ignoring: Files = {
    ...app,
    ".dockerignore": "# nothing of these\n**/*.log\nnode_modules/\nsecret\n!secret/public\n",
    "secret/public": "seen",
  };

  it("neither counts nor is packed", async () => {
    const more: Files = {
      ...ignoring,
      "a.log": "1",
      "sub/b.log": "2",
      "node_modules/x/y.js": "3",
      "secret/key": "4",
    };
    await using bare = await writeSourceFolder(ignoring);
    await using full = await writeSourceFolder(more);

    const [one, two] = await Promise.all([bare, full].map(({ path }) => openSource({ source: path })));

    assert.equal(one?.hash, two?.hash);
    assert.deepEqual(await packedPaths(two), await packedPaths(one));
    assert.ok((await packedPaths(two)).includes("secret/public"));
  });

  it("tells capitals apart, as a build does", async () => {
    const rules = { ...app, ".dockerignore": "README\n" };
    assert.notEqual(await hashOf({ ...rules, readme: "1" }), await hashOf({ ...rules, readme: "2" }));
    assert.equal(await hashOf({ ...rules, README: "1" }), await hashOf({ ...rules, README: "2" }));
  });

  it("is told by the Dockerfile's own folder when the source says nothing", async () => {
    await using recipe = await writeSourceFolder({
      Dockerfile: "FROM scratch\n",
      ".dockerignore": "*.tmp\n",
    });
    await using source = await writeSourceFolder({ "main.go": "x", "a.tmp": "y" });
    const dockerfile = join(recipe.path, "Dockerfile");

    const opened = await openSource({ source: source.path, dockerfile });

    assert.deepEqual(await packedPaths(opened), [packedDockerfile, ".dockerignore", "main.go"]);
  });
});

const latin1 = (...parts: readonly string[]) => Buffer.from(parts.join("/"), "latin1");

describe("what changes by itself", () => {
  const others: Files = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "vendor/lib/.git": "gitdir: ../../.git/modules/lib\n",
    ".berth/state/app/state.json": "{}",
    "berth.yaml": "stack: shop\n",
    "vendor/lib/berth.staging.yaml": "stack: shop-staging\n",
    ".hg/store": "",
    ".svn/wc.db": "",
    ".jj/repo": "",
    ".idea/workspace.xml": "",
    ".vscode/settings.json": "",
    ".main.go.swp": "",
    "sub/.main.go.swo": "",
    "main.go~": "",
    "sub/#main.go#": "",
    ".DS_Store": "",
    "Thumbs.db": "",
  };

  it("is not source", async () => {
    await using folder = await writeSourceFolder({ ...app, ...others, "vendor/lib/a.go": "package lib\n" });
    await symlink("me@host.1:2", join(folder.path, ".#main.go"));

    const source = await openSource({ source: folder.path });

    assert.equal(source.hash, await hashOf({ ...app, "vendor/lib/a.go": "package lib\n" }));
    assert.doesNotMatch((await packedPaths(source)).join("\n"), /\.git\b|state\.json|#|~|\.sw/);
  });

  it("is source where .dockerignore takes it back, and only that", async () => {
    const rules = { ".dockerignore": "!.git\n!**/*~\n" };
    await using folder = await writeSourceFolder({ ...app, ...others, ...rules });

    const paths = await packedPaths(await openSource({ source: folder.path }));

    assert.ok(paths.includes(".git/HEAD") && paths.includes("main.go~"), paths.join("\n"));
    assert.doesNotMatch(paths.join("\n"), /state\.json|\.idea|\.sw/);
  });

  it("is left alone: what looks like it and isn't", async () => {
    const alike: Files = {
      ".gitignore": "",
      ".gitattributes": "",
      ".github/a": "",
      "a.swp": "",
      "b~c": "",
      "#a": "",
      "berth.yaml.md": "",
      "my-berth.yaml": "",
    };
    for (const [name, file] of Object.entries(alike))
      assert.notEqual(await hashOf({ ...app, [name]: file }), await hashOf(app), name);
  });

  it("is never source where it is Berth's own or a secret, whatever the rules say", async () => {
    await using folder = await writeSourceFolder({
      ...app,
      ".dockerignore": "!ops\n!token\n",
      "ops/state/app.json": "{}",
      token: "s3cret",
    });
    const withheld = [join(folder.path, "ops/state")];
    await using elsewhere = await writeSourceFolder({ link: { link: join(folder.path, "token") } });
    const secrets = { token: { file: join(elsewhere.path, "link") } };

    const source = await openSource({ source: folder.path, withheld, secrets });

    assert.doesNotMatch((await packedPaths(source)).join("\n"), /ops|token/);
    await using bare = await writeSourceFolder({ ...app, ".dockerignore": "!ops\n!token\n" });
    assert.equal((await openSource({ source: bare.path, secrets })).hash, source.hash);
    await mkdir(join(folder.path, "ops/empty"));
    assert.ok((await packedPaths(await openSource({ source: folder.path, withheld }))).includes("ops/empty"));
  });
});

describe("a file that can't be read", () => {
  it("is refused by its name, and left alone where it is ignored", async () => {
    await using folder = await writeSourceFolder({ ...app, ".dockerignore": "odd*\n" });
    await writeFile(latin1(folder.path, "odd\xff"), "");
    await openSource({ source: folder.path });
    await mkdir(join(folder.path, "sub/\uFFFD"));
    await writeFile(latin1(folder.path, "sub/caf\xe9.txt"), "");

    await assert.rejects(openSource({ source: folder.path }), {
      code: "SourceUnreadable",
      message: "the app's source holds sub/caf\\xe9.txt, which can't be read: its name isn't UTF-8",
    });
  });

  it("is never another one, whose name only looks alike", async () => {
    await using folder = await writeSourceFolder({ ...app, "caf\uFFFD.txt": "another" });
    await openSource({ source: folder.path });
    await writeFile(latin1(folder.path, "caf\xe9.txt"), "");

    await assert.rejects(openSource({ source: folder.path }), { code: "SourceUnreadable" });
  });

  it("is a link too, where what it leads to has such a name", async () => {
    await using folder = await writeSourceFolder(app);
    await symlink(latin1("caf\xe9"), latin1(folder.path, "link"));

    await assert.rejects(openSource({ source: folder.path }), {
      code: "SourceUnreadable",
      message: "the app's source holds link, which can't be read: the name that it leads to isn't UTF-8",
    });
  });
});

describe("the packed source", () => {
  it("holds the folder as it is, with links, executable bits and the files' own times", async () => {
    await using folder = await writeSourceFolder(app);
    await chmod(join(folder.path, "main.go"), 0o600);
    await utimes(join(folder.path, "main.go"), 1_700_000_000, 1_700_000_000);
    await utimes(join(folder.path, "sub"), 1_600_000_000, 1_600_000_000);
    const source = await openSource({ source: folder.path });

    await withUnpacked(source, async (unpacked) => {
      assert.equal(await readFile(join(unpacked, "sub/deep/page.html"), "utf8"), "<p>hi</p>\n");
      assert.equal(await readlink(join(unpacked, "latest")), "sub/deep/page.html");
      assert.equal((await stat(join(unpacked, "run.sh"))).mode & 0o777, 0o755);
      assert.equal((await stat(join(unpacked, "main.go"))).mode & 0o777, 0o644);
      assert.equal((await stat(join(unpacked, "main.go"))).mtimeMs, 1_700_000_000_000);
      assert.equal((await stat(join(unpacked, "sub"))).mtimeMs, 1_600_000_000_000);
    });
  });

  it("leaves the folder as it was, to the nanosecond", async () => {
    await using folder = await writeSourceFolder(app);
    const before = await photograph(folder.path);

    await tarSum(await openSource({ source: folder.path }));

    assert.deepEqual(await photograph(folder.path), before);
  });

  it("is refused when a file is no longer what was hashed", async () => {
    await using folder = await writeSourceFolder(app);
    const source = await openSource({ source: folder.path });

    for (const content of ["package mian\n", "package main // longer\n", "short"]) {
      await writeFile(join(folder.path, "main.go"), content);
      await assert.rejects(tarSum(source), { code: "SourceChanged" });
    }
    await rm(join(folder.path, "main.go"));
    await assert.rejects(tarSum(source), { code: "SourceChanged" });
  });

  it("never has more of a file than was hashed, however fast the file grows", async () => {
    await using folder = await writeSourceFolder({ log: "one\n" });
    const [entry] = await readContext(folder.path, { ignored: "" });
    assert.ok(entry?.type === "file");
    await writeFile(join(folder.path, "log"), "one\n".repeat(100_000));
    let bytes = 0;

    const reading = async () => {
      for await (const chunk of openEntry(folder.path, entry)) bytes += String(chunk).length;
    };

    await assert.rejects(reading, {
      code: "SourceChanged",
      message: "log changed while it was being packed",
    });
    assert.ok(bytes <= 4, `${bytes} bytes`);
  });

  it("can be given up half-way", async () => {
    await using folder = await writeSourceFolder({ ...app, big: "x".repeat(8_000_000) });
    const stream = (await openSource({ source: folder.path })).pack();

    await new Promise((resolve) => stream.once("readable", resolve));
    stream.destroy(new Error("enough"));

    await assert.rejects(finished(stream), /enough/);
  });
});

describe("which Dockerfile", () => {
  const goModule: Files = { "main.go": "package main\n", "go.mod": "module app\n" };

  it("is the folder's own, another when named, and Berth's for a Go module without one", async () => {
    await using own = await writeSourceFolder({ ...goModule, Dockerfile: "FROM scratch\n" });
    await using none = await writeSourceFolder(goModule);
    const named = join(own.path, "Dockerfile");

    assert.equal((await openSource({ source: own.path })).dockerfile, named);
    assert.equal((await openSource({ source: none.path, dockerfile: named })).dockerfile, named);
    assert.match((await openSource({ source: none.path })).dockerfile, /dockerfiles.go-web.Dockerfile$/);
  });

  it("must not be a link out of the folder, nor may .dockerignore", async () => {
    await using beside = await writeSourceFolder({ secret: "keep me", Dockerfile: "FROM scratch\n" });
    const link = join(beside.path, "secret");
    await using recipe = await writeSourceFolder({ Dockerfile: { link } });
    await using rules = await writeSourceFolder({ ...app, ".dockerignore": { link } });
    await using inside = await writeSourceFolder({ ...app, Dockerfile: { link: "run.sh" } });
    await using named = await writeSourceFolder(goModule);

    await assert.rejects(openSource({ source: recipe.path }), { code: "SourceLeavesFolder", exitCode: 3 });
    await assert.rejects(openSource({ source: rules.path }), { code: "SourceLeavesFolder" });
    await openSource({ source: inside.path });
    await openSource({ source: named.path, dockerfile: join(beside.path, "Dockerfile") });
  });

  it("is read to 1 MiB, as the ignore rules are, and no further", async () => {
    for (const name of ["Dockerfile", ".dockerignore"]) {
      await using folder = await writeSourceFolder({ Dockerfile: "FROM scratch\n" });
      const path = join(folder.path, name);
      await writeFile(path, "#".repeat(1024 * 1024));
      await openSource({ source: folder.path });

      await truncate(path, 3 * 2 ** 30);
      await assert.rejects(openSource({ source: folder.path }), {
        code: "SourceUnreadable",
        exitCode: 3,
        message: `${path} has more than 1 MiB, which no builder needs`,
      });
    }
  });

  it("missing, or the whole source missing, is said with the path", async () => {
    await using empty = await writeSourceFolder({ "index.html": "hi" });
    const absent = join(empty.path, "absent");

    await assert.rejects(openSource({ source: absent }), {
      code: "SourceMissing",
      exitCode: 3,
      message: new RegExp(absent),
    });
    await assert.rejects(openSource({ source: join(empty.path, "index.html") }), { code: "SourceMissing" });
    await assert.rejects(openSource({ source: empty.path }), { code: "DockerfileMissing", exitCode: 3 });
    await assert.rejects(openSource({ source: empty.path, dockerfile: absent }), {
      code: "DockerfileMissing",
      message: new RegExp(absent),
    });
  });
});

/** Unpacks by the system's own tar, so that two programs agree on what was packed. */
async function withUnpacked<T>(source: Source | undefined, look: (folder: string) => Promise<T>): Promise<T> {
  assert.ok(source);
  const folder = await mkdtemp(join(tmpdir(), "berth-unpacked-"));
  try {
    const tar = execFile("tar", ["-x", "-p", "-f", "-", "-C", folder]);
    assert.ok(tar.stdin);
    const [code] = await Promise.all([
      new Promise((resolve) => tar.once("close", resolve)),
      pipeline(source.pack(), tar.stdin),
    ]);
    assert.equal(code, 0);
    return await look(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function packedPaths(source: Source | undefined): Promise<string[]> {
  return withUnpacked(source, async (folder) => (await readdir(folder, { recursive: true })).toSorted());
}
