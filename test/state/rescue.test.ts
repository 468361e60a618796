import assert from "node:assert/strict";
import { test } from "node:test";
import { newDocument } from "../../state/document.ts";
import { mergeDocuments } from "../../state/rescue.ts";

const base = newDocument({ stack: "hello", account: "123456789012", region: "eu-central-1" });

test("what only the kept document knows is taken over, what the stored one knows later stays", () => {
  const stored = {
    ...base,
    serial: 4,
    resources: {
      vpc: { kind: "vpc", generation: 1 },
      subnet: { kind: "subnet", generation: 2, id: "subnet-new" },
      role: { kind: "role", generation: 1, id: "role" },
    },
  };
  const kept = {
    ...base,
    serial: 7,
    resources: {
      vpc: { kind: "vpc", generation: 1, id: "vpc-1" },
      subnet: { kind: "subnet", generation: 1, id: "subnet-old" },
      instance: { kind: "instance", generation: 1, id: "i-1" },
    },
    superseded: [{ name: "instance", kind: "instance", generation: 1, id: "i-0" }],
  };

  const merged = mergeDocuments(stored, kept);

  assert.deepEqual(merged.resources, {
    vpc: { kind: "vpc", generation: 1, id: "vpc-1" },
    subnet: { kind: "subnet", generation: 2, id: "subnet-new" },
    role: { kind: "role", generation: 1, id: "role" },
    instance: { kind: "instance", generation: 1, id: "i-1" },
  });
  assert.deepEqual(
    merged.superseded.map(({ id }) => id),
    ["i-0"],
  );
  assert.equal(merged.serial, 7);
});
