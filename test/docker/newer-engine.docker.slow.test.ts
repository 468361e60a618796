import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ensureBuilt } from "../../lib/docker/build.ts";
import { openSource, type SourceOptions } from "../../lib/docker/source.ts";
import { type NewerEngine, startNewerEngine } from "./newer-engine.ts";
import { type Files, writeSourceFolder } from "./source-folder.ts";

describe("an engine with a newer BuildKit", () => {
  const base = "debian:trixie-slim";
  let engine: NewerEngine;
  before(async () => (engine = await startNewerEngine(base)));
  after(() => engine[Symbol.asyncDispose]());

  async function build(files: Files, options: Omit<SourceOptions, "source"> = {}): Promise<string[]> {
    await using folder = await writeSourceFolder(files);
    const lines: string[] = [];
    await ensureBuilt({
      docker: engine.docker,
      source: await openSource({ source: folder.path, ...options }),
      signal: new AbortController().signal,
      onProgress: (line) => lines.push(line),
    });
    return lines;
  }

  it("builds what the older one refuses: heredocs and --link; and gives secrets", async () => {
    process.env["BERTH_TEST_TOKEN"] = "s3cret";
    const lines = await build(
      {
        "run.sh": "#!/bin/sh\n",
        "a/.hidden": "",
        "no/one": "",
        "no/two": "",
        ".dockerignore": "no\n!no/two\n",
        Dockerfile: `FROM ${base} AS build
COPY <<FILE /etc/app.conf
port = 8080
FILE
RUN <<SCRIPT
set -e
grep -q 8080 /etc/app.conf
SCRIPT
RUN --mount=type=secret,id=token,required=true test "$(cat /run/secrets/token)" = s3cret
FROM ${base}
COPY --link --chmod=700 run.sh /run.sh
COPY --from=build /etc/app.conf /
COPY . /seen/
RUN test "$(stat -c %a /run.sh)" = 700 && test -f /seen/a/.hidden && test -f /seen/no/two && ! test -e /seen/no/one
`,
      },
      { secrets: { token: { env: "BERTH_TEST_TOKEN" } } },
    );

    assert.match(lines.join("\n"), /^step \d\/\d COPY <<FILE \/etc\/app\.conf$/m);
  });

  // BuildKit asks every 5 s whether the session is well, and drops it after two times without an answer.
  it("keeps the session as long as a step takes", async () => {
    await build(
      {
        late: "yes",
        Dockerfile: `FROM ${base}
RUN sleep 17
RUN --mount=type=secret,id=token,required=true test "$(cat /run/secrets/token)" = s3cret
`,
      },
      { secrets: { token: { env: "BERTH_TEST_TOKEN" } } },
    );
  });

  it("says of a failing step what it wrote last", async () => {
    const failing = build({ Dockerfile: `FROM ${base}\nRUN echo seen && exit 3\n` });

    await assert.rejects(failing, (error: { message: string; detail: string[] }) => {
      assert.match(error.message, /: step 2\/2 RUN echo seen && exit 3 failed$/);
      assert.equal(error.detail[0], "seen");
      assert.match(error.detail[1] ?? "", /^process .* exit code: 3$/);
      return true;
    });
  });
});
