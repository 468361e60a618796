import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { run, runOrFail } from "../../setup/child-process.ts";

describe("a command", () => {
  it("is ended when it stays silent for too long", async () => {
    const { code } = await run("sleep", ["600"], { firstOutputWithinMs: 50 });
    assert.equal(code, 130);
  });

  it("that has said something may take its time", async () => {
    const { code, stdout } = await run("sh", ["-c", "echo begun; sleep 1.5; echo done"], {
      firstOutputWithinMs: 1_000,
    });
    assert.equal(code, 0);
    assert.equal(stdout, "begun\ndone\n");
  });

  it("that doesn't exist is told by its exit code", async () => {
    assert.equal((await run("berth-no-such-command", [])).code, 127);
  });

  it("that fails is an error with the end of what it said, on both streams", async () => {
    const failing = runOrFail("sh", ["-c", "echo one; sleep 0.1; echo two >&2; exit 3"], { what: "Trying" });
    await assert.rejects(failing, { code: "SetupFailed", detail: ["one", "two"] });
  });
});
