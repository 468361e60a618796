import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BerthError } from "../../lib/errors.ts";
import { explainInterruption } from "../../lib/release/interruption.ts";

describe("a wait for a release that the user stops", () => {
  const stopped = new BerthError({ code: "Interrupted", message: "stopped" });

  it("says how to take the release back, where the commit before it isn't known or is the same", () => {
    const explained = explainInterruption(stopped, { release: 3 });

    assert.ok(explained instanceof BerthError);
    assert.match(explained.hint ?? "", /put source and configuration back as they were and run \S+.*up$/);
  });

  it("is no other failure", () => {
    const other = new BerthError({ code: "ReleaseUnhealthy", message: "it failed" });

    assert.equal(explainInterruption(other, { release: 3 }), other);
  });
});
