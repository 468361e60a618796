import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  foreignResource,
  isExactly,
  isOwnedBy,
  lostStackTag,
  ownershipTags,
  parseOwner,
  type Tags,
} from "../lib/owner.ts";

const owner = { stack: "hello", name: "host", generation: 2 };
const full: Tags = { "berth:stack": "hello", "berth:resource": "host", "berth:generation": "2" };
const { "berth:stack": _stack, ...withoutStack } = full;
const { "berth:resource": _resource, ...withoutName } = full;
const { "berth:generation": _generation, ...withoutGeneration } = full;

describe("whose a resource is", () => {
  it("stands in three tags, under these very keys", () => assert.deepEqual(ownershipTags(owner), full));

  it("is the stack's by the stack's tag alone, to the letter", () => {
    assert.equal(isOwnedBy("hello", { "berth:stack": "hello" }), true);
    for (const tags of [
      {},
      withoutStack,
      { "berth:stack": "Hello" },
      { "berth:stack": "hello2" },
      { stack: "hello" },
    ])
      assert.equal(isOwnedBy("hello", tags), false, JSON.stringify(tags));
  });

  const exactly: readonly (readonly [string, Tags, boolean, boolean])[] = [
    ["all three", full, true, false],
    ["all three and others", { ...full, Team: "a" }, true, false],
    ["none", {}, false, false],
    ["none of the stack", withoutStack, false, true],
    ["none of the name", withoutName, false, false],
    ["none of the generation", withoutGeneration, false, false],
    ["another stack's", { ...full, "berth:stack": "shop" }, false, false],
    ["another name's", { ...full, "berth:resource": "net" }, false, false],
    ["another generation's", { ...full, "berth:generation": "1" }, false, false],
    ["none of the stack, another name's", { ...withoutStack, "berth:resource": "net" }, false, false],
    ["none of the stack, another generation's", { ...withoutStack, "berth:generation": "1" }, false, false],
  ];
  for (const [what, tags, isIt, hasLost] of exactly)
    it(`with ${what}: ${isIt ? "this very one" : hasLost ? "this one, which lost its tag" : "another"}`, () => {
      assert.equal(isExactly(owner, tags), isIt);
      assert.equal(lostStackTag(owner, tags), hasLost);
    });

  it("is read back from its tags, or not at all", () => {
    assert.deepEqual(parseOwner(full), owner);
    assert.deepEqual(parseOwner(withoutGeneration), { ...owner, generation: 0 });
    assert.deepEqual(parseOwner({ ...full, "berth:generation": "new" }), { ...owner, generation: 0 });
    for (const tags of [{}, withoutStack, withoutName]) assert.equal(parseOwner(tags), undefined);
  });
});

describe("what isn't the stack's", () => {
  const wanted = { stack: "hello", name: "host" };
  const told = (tags: Tags, by: "id" | "name") => {
    const { code, message, hint, resource } = foreignResource("instance", wanted, { id: "i-1", tags }, by);
    return { code, message, hint, resource };
  };
  const same = { code: "ForeignResource", resource: "host" };
  const theirs = { "berth:stack": "shop" };

  it("is refused with whose it is, and the way out", () => {
    assert.deepEqual(told(theirs, "id"), {
      ...same,
      message: "instance i-1 belongs to stack shop, so stack hello won't touch it",
      hint: "berth state rebuild makes a state document from tags, without it",
    });
    assert.deepEqual(told({}, "id"), {
      ...same,
      message: "instance i-1 has no berth:stack tag, so stack hello won't touch it",
      hint: "if it is hello's and lost its tag, put berth:stack=hello back; else berth state rebuild makes a state document from tags, without it",
    });
    for (const tags of [{}, theirs])
      assert.equal(
        told(tags, "name").hint,
        "give the stack another name in berth.yaml, or remove i-1 if nobody needs it",
      );
  });
});
