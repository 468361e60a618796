import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareContent } from "../../lib/release/comparison.ts";
import { content as contentSchema } from "../../lib/release/schema.ts";
import { content } from "./releases.ts";

const secret = "swordfish";

/** Another value of the same kind. A field of a new kind needs a line here. */
function changeOf(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return `${value}2`;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [...value, "more"];
  if (typeof value === "object" && value !== null && "bodyMib" in value) return { ...value, bodyMib: 11 };
  if (typeof value === "object" && value !== null && "timeoutSeconds" in value)
    return { ...value, timeoutSeconds: 9 };
  if (typeof value === "object") return { ...value, new: "/new" };
  return assert.fail(`how does ${JSON.stringify(value)} change?`);
}

describe("two releases", () => {
  it("of equal content don't differ", () => {
    assert.deepEqual(compareContent(content, content), []);
  });

  for (const field of contentSchema.keyof().options) {
    it(`differ by their ${field}, in either direction`, () => {
      const other = contentSchema.parse({ ...content, [field]: changeOf(content[field]) });
      for (const found of [compareContent(other, content), compareContent(content, other)]) {
        assert.equal(found.length, 1, JSON.stringify(found));
        assert.match(found[0]?.field ?? "", new RegExp(`^${field}(?:\\.new|\\.timeoutSeconds|\\.bodyMib)?$`));
        assert.notEqual(found[0]?.desired, found[0]?.observed);
      }
    });
  }

  it("differ by each setting of the edge, by its name", () => {
    const trustedProxies = ["10.0.0.0/8", "192.0.2.1/32"];
    const edge = { ...content.edge, underscores: "pass" as const, trustedProxies };

    assert.deepEqual(compareContent({ ...content, edge }, content), [
      { field: "edge.underscores", desired: "pass", observed: "drop" },
      { field: "edge.trustedProxies", desired: '["10.0.0.0/8","192.0.2.1/32"]', observed: "[]" },
    ]);
  });

  it("show what they differ by, but of a variable only that it does", () => {
    const other = { ...content, replicas: 3, environment: { MODE: secret, MORE: secret } };

    assert.deepEqual(compareContent(other, content), [
      { field: "replicas", desired: "3", observed: "2" },
      { field: "environment.MODE", desired: "(another value)", observed: "(a value)" },
      { field: "environment.MORE", desired: "(a value)", observed: "(not set)" },
    ]);
    assert.doesNotMatch(JSON.stringify(compareContent(content, other)), new RegExp(`${secret}|fast`));
  });
});
