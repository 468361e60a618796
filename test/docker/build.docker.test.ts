import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import { findBuilt } from "../../lib/docker/build.ts";
import { openSource } from "../../lib/docker/source.ts";
import { openScratchEngine } from "./scratch-engine.ts";
import type { ScratchEngine } from "./scratch-engine.ts";
import { writeSourceFolder } from "./source-folder.ts";
import type { Files } from "./source-folder.ts";

let engine: ScratchEngine;
before(async () => (engine = await openScratchEngine()));
after(() => engine[Symbol.asyncDispose]());

describe("somebody else's Go app, without a Dockerfile", () => {
  const theirs: Files = {
    "go.mod":
      "module example.com/theirs\n\ngo 1.22\n\nrequire example.com/near v0.0.0\n\nreplace example.com/near => ./near\n",
    "main.go":
      'package main\n\nimport (\n\t"example.com/near"\n\t"example.com/theirs/internal/word"\n)\n\nfunc main() { println(near.Word + word.Word) }\n',
    // An engine keeps what it built for another run of this test.
    "internal/word/word.go": `package word\n\n// ${randomUUID()}\nconst Word = "built"\n`,
    "near/go.mod": "module example.com/near\n\ngo 1.22\n",
    "near/near.go": 'package near\n\nconst Word = "well "\n',
  };

  it("is built with its sub-packages and local modules, once, and not again while it is the same", async () => {
    await using folder = await writeSourceFolder(theirs);
    const first = await engine.build(await openSource({ source: folder.path }));
    await using copy = await writeSourceFolder(theirs);
    const again = await engine.build(await openSource({ source: copy.path }));

    assert.match(await outputOf(first.imageId), /well built/);
    assert.ok(
      first.lines.some((line) => /^step \d+\/\d+ RUN go build /.test(line)),
      first.lines.join("\n"),
    );
    assert.deepEqual(again, { ...first, lines: [] });
  });

  it("is built with modules from the proxy", async (t) => {
    const proxy = process.env["GOPROXY"]?.split(/[,|]/)[0] ?? "https://proxy.golang.org";
    const isThere = await fetch(`${proxy}/golang.org/x/sync/@v/v0.10.0.info`)
      .then((r) => r.ok)
      .catch(() => false);
    if (!isThere) return t.skip(`the module proxy ${proxy} doesn't answer`);
    await using folder = await writeSourceFolder({
      "go.mod": "module example.com/sync\n\ngo 1.22\n\nrequire golang.org/x/sync v0.10.0\n",
      "go.sum":
        "golang.org/x/sync v0.10.0 h1:3NQrjDixjgGwUOCaF8w2+VYHv0Ve/vGYSbdkTa98gmQ=\n" +
        "golang.org/x/sync v0.10.0/go.mod h1:Czt+wKu1gCyEFDUtn0jG5QVvpJ6rzVqr5aXyt9drQfk=\n",
      "main.go":
        'package main\n\nimport "golang.org/x/sync/semaphore"\n\nfunc main() { println(semaphore.NewWeighted(1).TryAcquire(1)) }\n',
    });

    const { imageId } = await engine.build(await openSource({ source: folder.path }));

    assert.match(await outputOf(imageId), /true/);
  });

  it("that doesn't compile fails with the compiler's own line", async () => {
    const broken = { ...theirs, "main.go": "package main\n\nfunc main() { noSuchThing() }\n" };
    await using folder = await writeSourceFolder(broken);
    const source = await openSource({ source: folder.path });

    await assert.rejects(
      engine.build(source),
      (error: { code: string; message: string; detail: string[] }) => {
        assert.equal(error.code, "BuildFailed");
        assert.match(error.message, /step \d+\/\d+ RUN go build/);
        assert.ok(error.detail.includes("./main.go:3:15: undefined: noSuchThing"), error.detail.join("\n"));
        assert.ok(error.detail.length <= 20);
        return true;
      },
    );
    assert.equal(await findBuilt(engine.docker, source), undefined);
  });
});

describe("a build", () => {
  it("sees the source and nothing of Berth's, with a Dockerfile from elsewhere", async () => {
    await using recipe = await writeSourceFolder({
      "of.theirs": 'FROM scratch\nCOPY . /seen/\nCMD ["/none"]\n',
    });
    await using folder = await writeSourceFolder({
      ".dockerignore": "*.log\n",
      "a.log": "no",
      "sub/b.txt": "yes",
      Dockerfile: "FROM nothing\n",
    });
    const source = await openSource({ source: folder.path, dockerfile: join(recipe.path, "of.theirs") });

    const { imageId } = await engine.build(source);

    const container = await engine.createContainer({ Image: imageId });
    const files = (await filesIn(container)).filter((name) => name.startsWith("seen/"));
    assert.deepEqual(files, ["seen/.dockerignore", "seen/Dockerfile", "seen/sub/b.txt"]);
  });

  it("of a Dockerfile that can't be read fails with the engine's words", async () => {
    await using folder = await writeSourceFolder({ Dockerfile: "FROMM scratch\n" });
    const failure = engine.build(await openSource({ source: folder.path }));

    await assert.rejects(failure, (error: { code: string; detail: string[] }) => {
      assert.equal(error.code, "BuildFailed");
      assert.match(error.detail.join("\n"), /unknown instruction: FROMM/);
      return true;
    });
  });
});

async function outputOf(imageId: string): Promise<string> {
  const container = await engine.createContainer({ Image: imageId, HostConfig: { NetworkMode: "none" } });
  await container.start();
  await container.wait();
  return (await container.logs({ stdout: true, stderr: true })).toString("utf8");
}

async function filesIn(container: Docker.Container): Promise<string[]> {
  const names: string[] = [];
  const unpack = extract();
  unpack.on("entry", (header, body, next) => {
    if (header.type === "file") names.push(header.name);
    body.resume();
    body.once("end", next);
  });
  (await container.export()).pipe(unpack);
  await once(unpack, "finish");
  return names.toSorted();
}
