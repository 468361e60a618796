import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareContent, describeContent } from "../../lib/release/comparison.ts";
import { isPlain } from "../../lib/release/plain-values.ts";
import { content as contentSchema } from "../../lib/release/schema.ts";
import { content } from "./releases.ts";

const secret = "sw0rd-Fish";

/** Another value of the same kind. A field of a new kind needs a line here. */
function changeOf(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return `${value}2`;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [...value, "more"];
  if (typeof value === "object" && value !== null && "bodyMib" in value) return { ...value, bodyMib: 11 };
  if (typeof value === "object" && value !== null && "timeoutSeconds" in value)
    return { ...value, timeoutSeconds: 9 };
  if (typeof value === "object" && value !== null && "DATABASE_URL" in value)
    return { ...value, new: "ssm:/new:1" };
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

  it("show what they differ by, but of a variable that may be secret only that it does", () => {
    const other = { ...content, replicas: 3, environment: { MODE: secret, MORE: secret } };

    assert.deepEqual(compareContent(other, content), [
      { field: "replicas", desired: "3", observed: "2" },
      { field: "environment.MODE", desired: "(another value)", observed: "fast" },
      { field: "environment.MORE", desired: "(a value)", observed: "(not set)" },
    ]);
    assert.doesNotMatch(JSON.stringify(compareContent(content, other)), new RegExp(secret));
  });

  it("are described by what isn't as by default, and what a user always wants to see", () => {
    const health = { path: "/healthz", status: "200", timeoutSeconds: 5 };
    const environment = { MODE: "fast", TOKEN: "abc" };

    assert.deepEqual(describeContent({ ...content, health, environment }), [
      { field: "shell", value: "true" },
      { field: "port", value: "8080" },
      { field: "replicas", value: "2" },
      { field: "memoryMib", value: "128" },
      { field: "environment.MODE", value: "fast" },
      { field: "environment.TOKEN", value: "(a value)" },
      { field: "secrets.DATABASE_URL", value: "ssm:/shop/database-url:3" },
      { field: "user", value: "1000:1000" },
      { field: "command", value: '["serve","--fast"]' },
      { field: "releaseCommand", value: '["migrate"]' },
      { field: "health.path", value: "/healthz" },
      { field: "health.status", value: "200" },
      { field: "health.timeoutSeconds", value: "5" },
      { field: "volumes.uploads", value: "/app/uploads" },
    ]);
  });
});

describe("a variable", () => {
  for (const [name, value] of [
    ["MODE", "production"],
    ["TIMEOUT", "30s"],
    ["DEBUG", "true"],
    ["PORT", "8080"],
    ["API_URL", "http://api.example.com:8080/v1"],
    ["GREETING", "Hello from Berth"],
    ["LEVEL", ""],
  ] as const)
    it(`is shown: ${name}=${value}`, () => assert.ok(isPlain(name, value)));

  for (const [name, value] of [
    ["API_KEY", "a"],
    ["DB_PASSWORD", "a"],
    ["password", "a"],
    ["AUTH_MODE", "basic"],
    ["SENTRY_DSN", "off"],
    ["PIN", "1234"],
    ["DATABASE_URL", "postgres://ann:pw@db/shop"],
    ["VALUE", "hunter2-x9Kq"],
    ["VALUE", "AKIAIOSFODNN7EXAMPLE"],
    ["VALUE", "9f86d081884c7d659a2feaa0c55ad015"],
    ["VALUE", "c29tZXRoaW5n=="],
    ["VALUE", "a".repeat(101)],
    ["VALUE", "swordFish"],
  ] as const)
    it(`is hidden: ${name}=${value.slice(0, 30)}`, () => assert.ok(!isPlain(name, value)));
});
