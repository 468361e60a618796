import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findHint } from "../../lib/release/hints.ts";

/** What programs say in a container like a replica's, and a part of the hint that helps. Most lines were seen there. */
const lines: readonly (readonly [string, RegExp])[] = [
  ["exec /app: exec format error", /linux\/amd64/],
  ["standard_init_linux.go:228: exec user process caused: exec format error", /linux\/amd64/],
  ["exec /entry.sh: no such file or directory", /#!.*Windows/],
  ["OSError: [Errno 30] Read-only file system: 'uploads'", /app\.writable/],
  ["Error: EROFS: read-only file system, open '/app/cache.json'", /app\.writable/],
  ["touch: cannot touch '/var/log/app.log': Read-only file system", /app\.writable/],
  ["mkdir: cannot create directory ‘/.cache’: Read-only file system", /set HOME to \/tmp/],
  ["npm error code EACCES mkdir '/.npm'", /set HOME to \/tmp/],
  ["Error: EACCES: permission denied, mkdir '/root/.config'", /set HOME to \/tmp/],
  ["sh: 1: /tmp/run.sh: Permission denied", /in \/tmp can be executed/],
  ["OSError: /tmp/jna.so: failed to map segment from shared object", /in \/tmp can be executed/],
  ["fork/exec /tmp/build/main: permission denied", /in \/tmp can be executed/],
  ["KeyError: 'getpwuid(): uid not found: 65532'", /\/etc\/passwd.*app\.user/],
  ["whoami: cannot find name for user ID 65532", /\/etc\/passwd.*app\.user/],
  ["user: unknown userid 65532", /\/etc\/passwd.*app\.user/],
  ["write /tmp/upload: no space left on device", /app\.tmpMib/],
  ["fatal error: runtime: out of memory", /app\.memoryMib/],
  ["MemoryError", /app\.memoryMib/],
  ["RuntimeError: can't start new thread", /512 processes/],
  ['chown("/var/cache/nginx/client_temp", 101) failed (1: Operation not permitted)', /no capabilities/],
  ["setgid(101) failed", /no capabilities/],
  ["open /app/db.sqlite3: permission denied", /app\.user/],
];

describe("the hint for a release that failed", () => {
  for (const [line, hint] of lines) {
    it(`reads ${JSON.stringify(line)}`, () => {
      for (const cause of ["exit", "done", "no-port", undefined]) {
        const text = findHint({ cause, log: ["starting", line, "bye"] });
        assert.match(text, hint);
        assert.match(text, /; the lines above are the end of its log$/);
      }
    });
  }

  it("goes by the cause where that leaves no doubt, whatever the log says", () => {
    const log = ["Read-only file system"];
    const hints = Object.fromEntries(
      [
        "memory",
        "not-found",
        "not-executable",
        "architecture",
        "loopback-port",
        "other-port",
        "user",
        "volume",
        "pull",
        "host",
        "command-late",
        "worse",
        "interrupted",
        "disk",
        "engine",
      ].map((cause) => [cause, findHint({ cause, log })]),
    );
    assert.match(hints["command-late"] ?? "", /^what app\.releaseCommand began may be half done/);
    assert.match(
      findHint({ cause: "command", log: ["no such table"] }),
      /^app\.releaseCommand has to end with/,
    );
    assert.match(hints["interrupted"] ?? "", /^find out what starts the host anew/);
    assert.match(
      hints["disk"] ?? "",
      /^the host goes on trying: make room on its disk, or raise instance\.diskGib/,
    );
    assert.match(hints["engine"] ?? "", /^the host goes on trying; its journal/);
    assert.match(hints["worse"] ?? "", /5xx; app\.rollbackWhenWorse/);
    assert.match(hints["memory"] ?? "", /^raise app\.memoryMib/);
    assert.match(hints["not-found"] ?? "", /ENTRYPOINT and CMD, or app\.command/);
    assert.match(hints["not-executable"] ?? "", /chmod 755/);
    assert.match(hints["architecture"] ?? "", /linux\/amd64/);
    assert.match(hints["loopback-port"] ?? "", /0\.0\.0\.0/);
    assert.match(hints["other-port"] ?? "", /app\.port/);
    assert.match(hints["volume"] ?? "", /app\.volumes/);
    assert.match(hints["user"] ?? "", /app\.user/);
    assert.match(hints["pull"] ?? "", /registry/);
    assert.match(hints["host"] ?? "", /goes on trying/);
  });

  it("goes by the cause where the log says nothing", () => {
    for (const [cause, hint] of Object.entries({
      done: /foreground/,
      "no-port": /app\.startSeconds/,
      "no-answer": /app\.startSeconds/,
      unhealthy: /app\.health/,
      exit: /^fix the app or its configuration; then run up again$/,
    }))
      assert.match(findHint({ cause, log: [] }), hint);
  });
});
