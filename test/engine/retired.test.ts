import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newDocument, type StateDocument } from "../../state/document.ts";
import { type Declaration, declare } from "../../lib/engine/declaration.ts";
import { differences } from "../../lib/engine/plan.ts";
import { supersedeUndeclared } from "../../lib/engine/superseded.ts";

const nothing = (kind: string) => ({
  kind,
  find: () => Promise.resolve(undefined),
  create: () => Promise.reject(new TypeError("nothing is made here")),
  differences: () => [],
  update: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  list: () => Promise.resolve([]),
});

const retired = declare({
  name: "record",
  resource: nothing("record"),
  desired: () => assert.fail("it has no desired state"),
  isRetired: true,
});
const kept = declare({ name: "record-kept", resource: nothing("record"), desired: () => ({}) });

const stored: StateDocument = {
  ...newDocument({ stack: "hello", account: "123456789012", region: "eu-central-1" }),
  resources: {
    "record-kept": { kind: "record", generation: 1, id: "Z1/kept" },
    "record-gone": { kind: "record", generation: 3, id: "Z1/gone" },
    "record-intended": { kind: "record", generation: 1 },
    vpc: { kind: "vpc", generation: 1, id: "vpc-1" },
  },
};

const planOf = (declarations: readonly Declaration[], document: StateDocument) =>
  differences({ declarations, observations: new Map(), document, inputs: undefined });

describe("a retired declaration", () => {
  it("supersedes what its kind no longer declares, and nothing else", () => {
    const document = supersedeUndeclared(stored, [retired, kept]);
    assert.deepEqual(document.superseded, [
      { name: "record-gone", kind: "record", generation: 3, id: "Z1/gone" },
    ]);
    assert.deepEqual(Object.keys(document.resources), ["record-kept", "record-intended", "vpc"]);
  });

  it("is needed for that: an older Berth that doesn't declare a resource must not lead to its removal", () => {
    assert.equal(supersedeUndeclared(stored, [kept]), stored);
  });

  it("returns the same document where nothing is to go", () => {
    const only = {
      ...stored,
      resources: { "record-kept": stored.resources["record-kept"] ?? assert.fail() },
    };
    assert.equal(supersedeUndeclared(only, [retired, kept]), only);
  });

  it("is no step of a plan", () => {
    const { steps, superseded } = planOf([retired, kept], supersedeUndeclared(stored, [retired, kept]));
    assert.deepEqual(
      steps.map(({ name }) => name),
      ["record-kept"],
    );
    assert.deepEqual(
      superseded.map(({ id }) => id),
      ["Z1/gone"],
    );
  });
});
