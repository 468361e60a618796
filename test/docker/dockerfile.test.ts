import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explain } from "../../lib/docker/buildkit/explanation.ts";
import { buildKitFeatures, declaredArgs, syntaxOf } from "../../lib/docker/dockerfile.ts";

describe("a Dockerfile", () => {
  it("declares every argument of a line, wherever the line goes on, and none in a heredoc", () => {
    const recipe =
      "FROM a\nARG ONE TWO=2 \\\n  THREE\narg four\n# ARG NO\nRUN <<EOF\nARG NO\nEOF\nRUN echo ARG NO\n";

    assert.deepEqual(declaredArgs(recipe), new Set(["ONE", "TWO", "THREE", "four"]));
  });

  it("names its frontend only in the lines before everything else", () => {
    assert.equal(syntaxOf("# escape=`\n#syntax = docker/dockerfile:1\nFROM a\n"), "docker/dockerfile:1");
    assert.equal(syntaxOf("FROM a\n# syntax=docker/dockerfile:1\n"), undefined);
  });

  for (const [line, name, since] of [
    ["RUN --mount=type=secret,id=a true", "RUN --mount=type=secret,id=a", "20.10"],
    ["COPY --chmod=755 a b", "COPY --chmod=755", "20.10"],
    ["FROM --platform=${TARGETPLATFORM} a", "FROM --platform=${TARGETPLATFORM}", "20.10"],
    ["COPY --link a b", "COPY --link", "23.0"],
    ["copy <<EOF b\nx\nEOF", "COPY with a heredoc", "23.0"],
    ["RUN python <<-'END'\nx\nEND", "RUN with a heredoc", "23.0"],
    ["ADD --checksum=sha256:0 https://a.test/b /", "ADD --checksum=sha256:0", "24.0"],
    ["HEALTHCHECK --start-interval=1s CMD true", "HEALTHCHECK --start-interval=1s", "25.0"],
  ] as const)
    it(`asks for more than the classic builder has: ${name}`, () => {
      assert.deepEqual(buildKitFeatures(`FROM a\n${line}\n`), [{ line: 2, name, since }]);
    });

  it("asks for nothing that the classic builder doesn't have, though it looks alike", () => {
    const recipe = `FROM --platform=linux/amd64 a AS b
COPY --from=b --chown=1:1 a b
RUN echo --mount=type=cache \\
  --link
ADD a b
HEALTHCHECK --interval=1s CMD true
RUN test 1 '<' 2 && echo $((1<<2))
`;

    assert.deepEqual(buildKitFeatures(recipe), []);
  });
});

describe("a build that failed before its first step", () => {
  const recipe = "FROM a\nCOPY --chmod=755 a /\nCOPY <<EOF /b\nx\nEOF\n";

  it("is explained by what the engine's builder doesn't know yet", () => {
    assert.equal(
      explain(recipe, "20.10.24+dfsg1"),
      'the builder of this engine (20.10.24+dfsg1) doesn\'t know line 3 COPY with a heredoc (Docker 23.0). Update the engine, or put "# syntax=docker/dockerfile:1" into the first line, so that it loads a newer builder from a registry',
    );
    assert.equal(explain(recipe, "23.0.1"), undefined);
    assert.equal(explain(recipe, "100.0.0"), undefined);
  });

  it("is explained by the line that names another builder", () => {
    const hint = explain(`# syntax=docker/dockerfile:1\n${recipe}`, "20.10.24");

    assert.match(
      hint ?? "",
      /^the line "# syntax=docker\/dockerfile:1" has the engine load its builder from a registry\./,
    );
    assert.match(hint ?? "", /which doesn't know line 4 COPY with a heredoc \(Docker 23\.0\)$/);
  });
});
