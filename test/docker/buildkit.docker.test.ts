import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { openSource, type SourceOptions } from "../../lib/docker/source.ts";
import { BerthError } from "../../lib/errors.ts";
import { openScratchEngine } from "./scratch-engine.ts";
import type { ScratchEngine } from "./scratch-engine.ts";
import { type Files, writeSourceFolder } from "./source-folder.ts";

let engine: ScratchEngine;
before(async () => (engine = await openScratchEngine()));
after(() => engine[Symbol.asyncDispose]());

async function build(files: Files, options: Omit<SourceOptions, "source"> = {}) {
  await using folder = await writeSourceFolder(files);
  return await engine.build(await openSource({ source: folder.path, ...options }));
}

async function failureOf(files: Files, options: Omit<SourceOptions, "source"> = {}): Promise<BerthError> {
  try {
    await build(files, options);
  } catch (error) {
    if (error instanceof BerthError) return error;
    throw error;
  }
  return assert.fail("it was built");
}

const base = "FROM debian:trixie-slim\n";

describe("a Dockerfile written for BuildKit", () => {
  it("has its mounts, --chmod, and the platform's arguments", async () => {
    const { lines } = await build({
      // An engine keeps what it built for another run of this test.
      "run.sh": `#!/bin/sh\n# ${randomUUID()}\n`,
      Dockerfile: `FROM --platform=$BUILDPLATFORM debian:trixie-slim AS first
ARG TARGETOS TARGETARCH
ARG BUILDPLATFORM
RUN test "$TARGETOS/$TARGETARCH" = linux/amd64 && test -n "$BUILDPLATFORM"
RUN --mount=type=cache,target=/var/cache/berth --mount=type=tmpfs,target=/scratch touch /var/cache/berth/a
RUN --mount=type=bind,target=/src test -f /src/run.sh
COPY --chmod=700 run.sh /run.sh
RUN test "$(stat -c %a /run.sh)" = 700
`,
    });

    assert.ok(lines.includes("looking up docker.io/library/debian:trixie-slim"), lines.join("\n"));
    assert.ok(lines.includes("step 5/6 COPY --chmod=700 run.sh /run.sh"), lines.join("\n"));
    assert.doesNotMatch(lines.join("\n"), /moby|sha256:|\[internal\]/);
  });

  it("is built up to the target, with the arguments", async () => {
    const recipe = `${base.trim()} AS first\nARG WORD\nRUN test "$WORD" = hello\nFROM first\nRUN false\n`;

    await build({ Dockerfile: recipe }, { target: "first", buildArgs: { WORD: "hello" } });

    const failure = await failureOf({ Dockerfile: recipe }, { buildArgs: { WORD: "hello" } });
    assert.match(failure.message, /: step \d\/\d RUN false failed$/);
  });

  it("that asks for more than the engine's builder has is told which line and what to do", async () => {
    const failure = await failureOf({
      Dockerfile: `${base}RUN --mount=type=none true\nRUN --foo=bar true\n`,
    });

    assert.equal(failure.code, "BuildFailed");
    assert.match(failure.detail.join("\n"), /^dockerfile parse error.*line 3|unknown flag: foo|mount/im);
  });

  it("whose # syntax= can't be loaded is told that this line is why", async () => {
    const failure = await failureOf({ Dockerfile: `# syntax=registry.invalid/none:1\n${base}` });

    assert.equal(
      failure.message,
      "The image could not be built: looking up the builder registry.invalid/none:1 failed",
    );
    assert.match(
      failure.hint ?? "",
      /^the line "# syntax=registry\.invalid\/none:1" has the engine load its builder/,
    );
  });
});

describe("the source of a build", () => {
  it("arrives whole, in any order of names, with its own times, links and executable bits", async () => {
    const big = randomBytes(6_000_000).toString("hex");
    const many = Object.fromEntries(
      Array.from({ length: 600 }, (_none, index) => [`many/${index}/a`, `${index}`]),
    );
    await using folder = await writeSourceFolder({
      ...many,
      big,
      empty: "",
      "a-b": "",
      "a/c": "",
      "a.b": "",
      "a/\u{1F600}": "",
      "a/\uFF5E": "",
      "no/one.log": "",
      "no/two": "",
      ".dockerignore": "no\n!no/two\n",
      "run.sh": { content: "#!/bin/sh\n", mode: 0o755 },
      link: { link: "a/c" },
      Dockerfile: `${base}COPY . /seen/
RUN test "$(stat -c %Y /seen/a/c)" = 1700000000
RUN test -x /seen/run.sh && test "$(stat -c %a /seen/a/c)" = 644 && test "$(readlink /seen/link)" = a/c
RUN test "$(ls /seen/many | wc -l)" = 600 && test -f /seen/no/two && ! test -e /seen/no/one.log
RUN echo "${createHash("sha256").update(big).digest("hex")}  /seen/big" | sha256sum -c && test -f /seen/empty
`,
    });
    await utimes(join(folder.path, "a/c"), 1_700_000_000, 1_700_000_000);

    const { lines } = await engine.build(await openSource({ source: folder.path }));

    assert.match(lines.join("\n"), /^sending the source/m);
  });

  it("that changes meanwhile makes no image", async () => {
    await using folder = await writeSourceFolder({ Dockerfile: `${base}COPY . /\n`, a: "one" });
    const source = await openSource({ source: folder.path });
    const changes = [() => writeFile(join(folder.path, "a"), "two"), () => rm(join(folder.path, "a"))];

    for (const change of changes) {
      await change();
      await assert.rejects(engine.build(source), { code: "SourceChanged", message: /^a changed while/ });
    }
  });
});

describe("a build's secrets", () => {
  const value = `s3cret-${randomUUID()}`;
  const name = "BERTH_TEST_TOKEN";

  it("reach the step that asks for them, and neither the image nor what is printed", async () => {
    process.env[name] = value;
    await using elsewhere = await writeSourceFolder({ npmrc: `//registry/:_authToken=${value}\n` });
    const { imageId, lines } = await build(
      {
        Dockerfile: `${base}RUN --mount=type=secret,id=token,required=true --mount=type=secret,id=npmrc,target=/root/.npmrc \\
  test "$(cat /run/secrets/token)" = "$(cut -d= -f2 /root/.npmrc)"
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
RUN test ! -s /run/secrets/token && test ! -s /root/.npmrc
`,
      },
      { secrets: { token: { env: name }, npmrc: { file: join(elsewhere.path, "npmrc") } } },
    );

    const image = engine.docker.getImage(imageId);
    const told = JSON.stringify([await image.inspect(), await image.history(), lines]);
    assert.doesNotMatch(told, new RegExp(value));
  });

  it("are hidden where a failing step prints them", async () => {
    process.env[name] = `first line\n${value}\n`;
    const { detail, message } = await failureOf(
      {
        Dockerfile: `${base}RUN --mount=type=secret,id=token,required=true cat /run/secrets/token && echo "seen" && false\n`,
      },
      { secrets: { token: { env: name } } },
    );

    assert.deepEqual(detail.slice(0, 3), ["***", "***", "seen"]);
    assert.doesNotMatch(message, new RegExp(value));
  });

  it("that aren't there stop the build before it begins", async () => {
    delete process.env[name];

    assert.deepEqual(
      [
        (await failureOf({ Dockerfile: base }, { secrets: { token: { env: name } } })).message,
        (await failureOf({ Dockerfile: base }, { secrets: { token: { file: "/nowhere/token" } } })).message,
      ],
      [
        `the build's secret token comes from the environment variable ${name}, which isn't set`,
        "the build's secret token comes from a file that can't be read: ENOENT: no such file or directory, open '/nowhere/token'",
      ],
    );
  });
});

describe("a step that fails", () => {
  it("is named with its stage, and shows the end of its own output only", async () => {
    const { message, detail } = await failureOf({
      Dockerfile: `${base.trim()} AS tools
RUN echo "not this" && touch /done
${base.trim()} AS web
COPY --from=tools /done /
RUN seq 1 50 && printf '\\033[31mno such thing\\033[0m\\n' && exit 3
`,
    });

    assert.match(message, /: step 3\/3 RUN seq 1 50 .* in stage web failed$/);
    assert.equal(detail.length, 20);
    assert.deepEqual(detail.slice(-3, -1), ["50", "no such thing"]);
    assert.match(detail.at(-1) ?? "", /exit code: 3$/);
    assert.ok(!detail.includes("not this"));
  });

  it("ends when the signal says so, with what it runs", async () => {
    const marker = randomUUID();
    await using folder = await writeSourceFolder({ Dockerfile: `${base}RUN : ${marker} && sleep 100\n` });
    const source = await openSource({ source: folder.path });
    const stop = new AbortController();
    let begin = () => {};
    const began = new Promise<void>((resolve) => (begin = resolve));
    const building = ensureBuilt({
      docker: engine.docker,
      source,
      signal: stop.signal,
      onProgress: (line) => line.includes(marker) && begin(),
    });
    const refused = assert.rejects(building, /enough/);
    await Promise.race([began, refused]);
    stop.abort(new Error("enough"));

    await refused;
    await untilGone(marker);
  });
});

/** Waits until the engine's computer runs no process with this in its command line. */
async function untilGone(marker: string): Promise<void> {
  const pattern = marker.replace("-", "[-]");
  const script = `while grep -lqs -- '${pattern}' /proc/[0-9]*/cmdline; do sleep 0.1; done`;
  const container = await engine.createContainer({
    Image: "debian:trixie-slim",
    Cmd: ["sh", "-c", script],
    HostConfig: { PidMode: "host" },
  });
  await container.start();
  assert.deepEqual(await container.wait(), { StatusCode: 0, Error: null });
}
