import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { on, once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import { ensureBuilt, findBuilt } from "../../lib/docker/build.ts";
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
    "internal/word/word.go": 'package word\n\nconst Word = "built"\n',
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

  it("ends when the signal says so, and leaves no container", async () => {
    const command = `echo ${randomUUID()} && sleep 100`;
    await using folder = await writeSourceFolder({ Dockerfile: `FROM debian:trixie-slim\nRUN ${command}\n` });
    const source = await openSource({ source: folder.path });
    const stop = new AbortController();
    const stream = await engine.docker.getEvents({ filters: { type: ["container"] } });
    try {
      const events = createInterface({ input: stream });
      const building = ensureBuilt({ docker: engine.docker, source, signal: stop.signal });
      const refused = assert.rejects(building, /enough/);
      const endedEarly = refused.then(() => assert.fail("the build ended before it was told to"));
      const id = await Promise.race([startOf(events, command), endedEarly]);
      const destroyed = eventOf(events, ({ Action, Actor }) => Action === "destroy" && Actor.ID === id);
      stop.abort(new Error("enough"));

      await refused;
      await destroyed;
    } finally {
      stop.abort();
      if (stream instanceof Readable) stream.destroy();
    }
  });
});

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string };
}

/** Waits until the container that runs this command has started; others come and go on the same engine. */
async function startOf(events: Interface, command: string): Promise<string> {
  const { Actor } = await eventOf(events, async ({ Action, Actor: { ID } }) => {
    if (Action !== "start") return false;
    const container = await engine.docker
      .getContainer(ID)
      .inspect()
      .catch(() => undefined);
    return container?.Config.Cmd?.some((part) => part.includes(command)) ?? false;
  });
  return Actor.ID;
}

async function eventOf(
  events: Interface,
  isWanted: (event: EngineEvent) => boolean | Promise<boolean>,
): Promise<EngineEvent> {
  for await (const [line] of on(events, "line")) {
    const event: EngineEvent = JSON.parse(String(line));
    if (await isWanted(event)) return event;
  }
  throw new Error("The engine told of no more events");
}

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
