import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { run, runOrFail } from "../../setup/child-process.ts";

describe("a command", () => {
  it("is ended when it stays silent for too long", async () => {
    const { code } = await run("sleep", ["600"], { firstOutputWithinMs: 50 });
    assert.equal(code, 130);
  });

  it("that has said something may take its time", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const folder = mkdtempSync(join(tmpdir(), "berth-command-"));
    t.after(() => rmSync(folder, { recursive: true }));
    // More than a pipe holds: all of it is written when what came first has been read.
    const script = "printf '%1000000s' begun; touch read; until [ -e over ]; do sleep 0.1; done; echo done";
    const running = run("sh", ["-c", script], { cwd: folder, firstOutputWithinMs: 1_000 });
    while (!existsSync(join(folder, "read"))) await nextTurn();
    t.mock.timers.tick(1_000);
    writeFileSync(join(folder, "over"), "");
    const { code, stdout } = await running;
    assert.equal(code, 0);
    assert.equal(stdout.trim(), "begundone");
  });

  it("that doesn't exist is told by its exit code", async () => {
    assert.equal((await run("berth-no-such-command", [])).code, 127);
  });

  it("that fails is an error with the end of what it said, on both streams", async () => {
    const failing = runOrFail("sh", ["-c", "echo one; sleep 0.1; echo two >&2; exit 3"], { what: "Trying" });
    await assert.rejects(failing, { code: "SetupFailed", detail: ["one", "two"] });
  });
});
