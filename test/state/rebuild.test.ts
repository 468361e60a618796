import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newDocument, type StateDocument } from "../../state/document.ts";
import { catchUp } from "../../state/rebuild.ts";

const empty = newDocument({ stack: "hello", account: "123456789012", region: "eu-central-1" });
const knowing = (
  resources: StateDocument["resources"],
  more: Partial<StateDocument> = {},
): StateDocument => ({
  ...empty,
  resources,
  ...more,
});
const host = (id: string, generation: number) => ({ name: "instance", kind: "instance", id, generation });
const entry = (id: string, generation: number) => ({ kind: "instance", id, generation });

describe("a document beside what the tags say", () => {
  it("takes over a later generation, and what that one was to replace", () => {
    const old = knowing({ instance: entry("i-1", 1), role: { kind: "role", generation: 1, id: "r" } });

    const { resources, superseded } = catchUp(old, [host("i-2", 2), host("i-3", 3)]);

    assert.deepEqual(resources, { ...old.resources, instance: entry("i-3", 3) });
    assert.deepEqual(superseded, [host("i-2", 2)]);
  });

  it("takes over what it never knew", () => {
    assert.deepEqual(catchUp(empty, [host("i-1", 1)]).resources, { instance: entry("i-1", 1) });
  });

  it("no longer removes what turned out to be the one in use", () => {
    const old = knowing({ instance: entry("i-1", 1) }, { superseded: [host("i-2", 2), host("i-0", 1)] });

    assert.deepEqual(catchUp(old, [host("i-2", 2)]).superseded, [host("i-0", 1)]);
  });

  describe("whose own resource is gone", () => {
    const gone = new Set(["instance"]);

    it("takes over what is there, although a down has begun its generations anew", () => {
      const restored = knowing({ instance: entry("i-9", 2) });

      assert.deepEqual(catchUp(restored, [host("i-1", 1)], gone).resources, { instance: entry("i-1", 1) });
    });

    it("leaves what is to be removed as that", () => {
      const intent = { kind: "instance", generation: 2 };
      const replacing = knowing({ instance: intent }, { superseded: [host("i-1", 1)] });

      assert.equal(catchUp(replacing, [host("i-1", 1)], gone), replacing);
    });
  });

  it("stays the same when it knows as much or more", () => {
    const all = knowing({ instance: entry("i-2", 2) });

    assert.equal(catchUp(all, [host("i-1", 1), host("i-2", 2)]), all);
    assert.equal(catchUp(all, []), all);
  });
});
