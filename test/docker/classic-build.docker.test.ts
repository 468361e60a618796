import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { utimes } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { ensureBuilt } from "../../lib/docker/build.ts";
import type { BerthError } from "../../lib/errors.ts";
import { openSource } from "../../lib/docker/source.ts";
import { openScratchEngine } from "./scratch-engine.ts";
import type { ScratchEngine } from "./scratch-engine.ts";
import { writeSourceFolder } from "./source-folder.ts";

let engine: ScratchEngine;
before(async () => {
  process.env["DOCKER_BUILDKIT"] = "0";
  engine = await openScratchEngine();
});
after(async () => {
  delete process.env["DOCKER_BUILDKIT"];
  await engine[Symbol.asyncDispose]();
});

describe("the classic builder", () => {
  it("builds the stage that is asked for, with the arguments that BuildKit would set", async () => {
    await using folder = await writeSourceFolder({
      Dockerfile: `FROM debian:trixie-slim AS first
ARG TARGETOS TARGETARCH
ARG BUILDPLATFORM
ARG WORD
RUN test "$TARGETOS/$TARGETARCH" = linux/amd64 && test -n "$BUILDPLATFORM" && test "$WORD" = hello && echo "built by hand"
FROM first
RUN false
`,
    });
    const options = { source: folder.path, target: "first", buildArgs: { WORD: "hello" } };

    const { lines } = await engine.build(await openSource(options));

    assert.match(lines.join("\n"), /^step 5\/\d RUN test /m);
  });

  it("keeps the files' own times", async () => {
    await using folder = await writeSourceFolder({
      Dockerfile: `FROM debian:trixie-slim
COPY page /
RUN test "$(stat -c %Y /page)" = 1700000000
`,
      page: "hi",
    });
    await utimes(join(folder.path, "page"), 1_700_000_000, 1_700_000_000);

    await engine.build(await openSource({ source: folder.path }));
  });

  it("says what it can't do, by line, before the first step", async () => {
    await using folder = await writeSourceFolder({
      Dockerfile: `# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM debian:trixie-slim
RUN false
RUN --mount=type=cache,target=/x \\
  true
COPY --link --chmod=755 a /
COPY <<EOF /b
EOF
`,
    });
    const secrets = { token: { file: join(folder.path, "Dockerfile") } };
    const source = await openSource({ source: folder.path, secrets });

    await assert.rejects(engine.build(source), (error: BerthError) => {
      assert.equal(error.code, "BuildKitNeeded");
      assert.equal(error.exitCode, 3);
      assert.match(
        error.message,
        /Dockerfile needs BuildKit \(line 2: FROM --platform=\$BUILDPLATFORM\), but the engine \d\S+ builds with its classic/,
      );
      assert.deepEqual(error.detail, [
        "line 2: FROM --platform=$BUILDPLATFORM",
        "line 4: RUN --mount=type=cache,target=/x",
        "line 6: COPY --link",
        "line 6: COPY --chmod=755",
        "line 7: COPY with a heredoc",
        "app.build.secrets.token",
      ]);
      assert.match(error.hint ?? "", /unset DOCKER_BUILDKIT/);
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
