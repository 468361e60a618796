import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fromTagList,
  ownershipFilters,
  resourceTags,
  tagDifferences,
  toTagList,
} from "../../lib/aws/tags.ts";
import { ownershipTags, parseOwner } from "../../lib/owner.ts";

const owner = { stack: "hello", name: "vpc", generation: 2 };

test("tags: configuration can't overwrite ownership", () => {
  const tags = resourceTags(owner, { "berth:stack": "another", Team: "harbour" });

  assert.deepEqual(tags, { ...ownershipTags(owner), Team: "harbour" });
});

test("tags: an owner is read back from its tags, whatever service answered", () => {
  assert.deepEqual(parseOwner(fromTagList(toTagList(ownershipTags(owner)))), owner);
  assert.equal(parseOwner({ "berth:stack": "hello" }), undefined);
  assert.deepEqual(fromTagList(undefined), {});
});

test("tags: what is missing or other is a difference, what somebody added is none", () => {
  const differences = tagDifferences({ Team: "harbour", Cost: "1" }, { Team: "other", Owner: "somebody" });

  assert.deepEqual(differences, [
    { field: "tags.Team", desired: "harbour", observed: "other", action: "update" },
    { field: "tags.Cost", desired: "1", observed: "missing", action: "update" },
  ]);
});

test("tags: one may be called like something that every object has", () => {
  assert.deepEqual(tagDifferences({ constructor: "a", toString: "b" }, { toString: "b" }), [
    { field: "tags.constructor", desired: "a", observed: "missing", action: "update" },
  ]);
});

test("tags: EC2 is asked for one resource, or for a whole stack", () => {
  assert.equal(ownershipFilters(owner).length, 3);
  assert.deepEqual(ownershipFilters({ stack: "hello" }), [{ Name: "tag:berth:stack", Values: ["hello"] }]);
});
