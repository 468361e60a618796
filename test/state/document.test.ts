import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newDocument, parseDocument } from "../../state/document.ts";

const scope = { stack: "hello", account: "123456789012", region: "eu-central-1" };
const whole = {
  ...newDocument(scope),
  resources: { vpc: { kind: "vpc", generation: 1, id: "vpc-1" }, role: { kind: "role", generation: 1 } },
  superseded: [{ name: "vpc", kind: "vpc", generation: 1, id: "vpc-0" }],
  pins: { zone: "eu-central-1a" },
};
const parse = (document: object) => parseDocument(JSON.stringify(document), scope, "s3://bucket/state.json");

/** The document without one of its keys. */
function without(key: keyof typeof whole): object {
  return Object.fromEntries(Object.entries(whole).filter(([name]) => name !== key));
}

describe("a state document", () => {
  it("is read as it was written", () => {
    assert.deepEqual(parse(whole), whole);
    assert.deepEqual(parse({ ...whole, serial: 0 }).serial, 0);
  });

  for (const key of ["stack", "account", "region"] as const) {
    it(`of another ${key} is refused, with both`, () => {
      const other = key === "account" ? "999999999999" : "other";

      assert.throws(() => parse({ ...whole, [key]: other }), {
        code: "StateForeign",
        message: new RegExp(`of ${key} ${other}, not ${scope[key]}: s3://bucket/state\\.json`),
      });
    });
  }

  for (const [version, code] of [
    [2, "StateTooNew"],
    [1.5, "StateTooNew"],
    [0, "StateDamaged"],
    ["1", "StateDamaged"],
  ] as const) {
    it(`of version ${JSON.stringify(version)} is refused as ${code}`, () => {
      assert.throws(() => parse({ ...whole, version }), { code });
    });
  }

  const entry = whole.resources.vpc;
  const [old] = whole.superseded;
  const damages: Readonly<Record<string, object>> = {
    ...Object.fromEntries(
      (
        [
          "version",
          "lineage",
          "serial",
          "stack",
          "account",
          "region",
          "resources",
          "superseded",
          "pins",
        ] as const
      ).map((key) => [`without ${key}`, without(key)]),
    ),
    "with a key that it doesn't have": { ...whole, more: 1 },
    "with a lineage that is no UUID": { ...whole, lineage: "a" },
    "with a negative serial": { ...whole, serial: -1 },
    "with half a serial": { ...whole, serial: 0.5 },
    "of an account with 11 digits": { ...whole, account: "12345678901" },
    "of an account with 13 digits": { ...whole, account: "1234567890123" },
    "with a generation of 0": { ...whole, resources: { vpc: { ...entry, generation: 0 } } },
    "with half a generation": { ...whole, resources: { vpc: { ...entry, generation: 1.5 } } },
    "with an entry of no kind": { ...whole, resources: { vpc: { generation: 1, id: "vpc-1" } } },
    "with an entry that has more": { ...whole, resources: { vpc: { ...entry, more: 1 } } },
    "with a replaced one without an id": {
      ...whole,
      superseded: [{ name: "vpc", kind: "vpc", generation: 1 }],
    },
    "with a replaced one of generation 0": { ...whole, superseded: [{ ...old, generation: 0 }] },
    "with a replaced one that has more": { ...whole, superseded: [{ ...old, more: 1 }] },
    "with a pin that is no text": { ...whole, pins: { zone: 1 } },
  };
  for (const [what, document] of Object.entries(damages)) {
    it(`${what} is damaged`, () => assert.throws(() => parse(document), { code: "StateDamaged" }));
  }

  it("has a lineage of its own when it is new, and nothing in it", () => {
    const [one, other] = [newDocument(scope), newDocument(scope)];

    assert.notEqual(one.lineage, other.lineage);
    assert.deepEqual([one.serial, one.resources, one.superseded, one.pins], [0, {}, [], {}]);
  });
});
