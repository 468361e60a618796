import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ControlMessage, toldAfter } from "../../../lib/local/control/messages.ts";

const note: ControlMessage = { event: "note", text: "building an image" };
const later: ControlMessage = { event: "note", text: "storing the image" };
const failed: ControlMessage = { event: "failed", code: "X", message: "no", hint: undefined, detail: [] };
const ending: ControlMessage = { event: "ending", pid: 1 };

describe("what a command is told that connects to the supervisor", () => {
  it("is the last note while it starts, then how that ended", () => {
    assert.equal(toldAfter(note, later), later);
    assert.equal(toldAfter(later, failed), failed);
    assert.equal(toldAfter(failed, ending), ending);
  });

  it("stays how the start ended, whatever is built after it: a command that hears only a note waits for ever", () => {
    assert.equal(toldAfter(failed, later), failed);
    assert.equal(toldAfter(ending, later), ending);
  });
});
