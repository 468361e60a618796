import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differences, isPending, isWithin, type Plan, type Step } from "../../lib/engine/plan.ts";
import type { Observations } from "../../lib/engine/read.ts";
import type { Needed, Observation, Declaration, World } from "../../lib/engine/declaration.ts";
import type { Difference, Observed } from "../../lib/contract/resource.ts";
import { newDocument, type StateDocument } from "../../state/document.ts";

const empty = newDocument({ stack: "hello", account: "123456789012", region: "eu-central-1" });
const never = () => Promise.reject(new TypeError("a plan does nothing"));

function wishFor(name: string, more: Partial<Declaration> = {}): Declaration {
  return { name, kind: name, needs: [], find: never, create: never, remove: never, list: never, ...more };
}

function seen(id: string, compare: (world: World<unknown>) => Difference[] = () => []): Observation {
  return { observed: { id, tags: {} }, isOwned: true, differences: compare, update: never };
}

const size: Difference = { field: "size", desired: "large", observed: "small", action: "update" };
const place: Difference = {
  field: "place",
  desired: "b",
  observed: "a",
  action: "replace",
  reason: "can't move",
};

const plan = (
  declarations: readonly Declaration[],
  observations: Observations,
  document: StateDocument = empty,
) => differences({ declarations, observations, document, inputs: undefined });

describe("a plan", () => {
  it("has nothing to do where nothing differs", () => {
    const found = plan([wishFor("net")], new Map([["net", seen("net-1")]]));

    assert.deepEqual(found, { steps: [], superseded: [] });
    assert.equal(isPending(found), false);
  });

  it("updates what differs only in what can be changed in place", () => {
    const { steps } = plan([wishFor("host")], new Map([["host", seen("host-1", () => [size])]]));

    assert.deepEqual(steps, [{ name: "host", kind: "host", action: "update", differences: [size] }]);
  });

  for (const [what, found] of [
    ["alone", [place]],
    ["before an update", [place, size]],
    ["after an update", [size, place]],
  ] as const) {
    it(`replaces for a difference that needs it, ${what}, and says what that means`, () => {
      const declarations = [wishFor("host", { replaceNote: "a new host boots" })];
      const { steps } = plan(declarations, new Map([["host", seen("host-1", () => [...found])]]));

      assert.deepEqual(steps, [
        {
          name: "host",
          kind: "host",
          action: "replace",
          differences: found,
          consequence: "a new host boots",
        },
      ]);
    });
  }

  it("creates what isn't there, and says whether it ever was", () => {
    const document = {
      ...empty,
      resources: {
        lost: { kind: "lost", generation: 1, id: "lost-1" },
        image: { kind: "image", generation: 1, id: "image-1" },
        intended: { kind: "intended", generation: 1 },
      },
    };
    const image = wishFor("image", { absentBecause: "its content is new" });
    const declarations = [wishFor("fresh"), wishFor("lost"), image, wishFor("intended")];

    const { steps } = plan(declarations, new Map(), document);

    assert.deepEqual(
      steps.map(({ action, because, differences: none }) => [action, because, none]),
      [
        ["create", "not there yet", []],
        ["create", "lost-1 is gone", []],
        ["create", "its content is new", []],
        ["create", "not there yet", []],
      ],
    );
  });

  it("compares with ids of what stays, and with placeholders for what will be new", () => {
    const asked: Needed<Observed>[] = [];
    const host = seen("host-1", ({ needed }) => {
      asked.push(...["stays", "updated", "replaced", "absent"].map(needed));
      return [];
    });
    const found = new Map([
      ["stays", seen("stays-1")],
      ["updated", seen("updated-1", () => [size])],
      ["replaced", seen("replaced-1", () => [place])],
      ["host", host],
    ]);
    const declarations = ["stays", "updated", "replaced", "absent", "host"].map((name) => wishFor(name));

    plan(declarations, found);

    assert.deepEqual(
      asked.map(({ id, observed }) => [id, observed?.id]),
      [
        ["stays-1", "stays-1"],
        ["updated-1", "updated-1"],
        ["<new replaced>", undefined],
        ["<new absent>", undefined],
      ],
    );
  });

  it("is pending as long as something replaced earlier is left", () => {
    const old = { name: "host", kind: "host", generation: 1, id: "host-0" };
    const found = plan([wishFor("host")], new Map([["host", seen("host-1")]]), {
      ...empty,
      superseded: [old],
    });

    assert.deepEqual(found, { steps: [], superseded: [old] });
    assert.equal(isPending(found), true);
    assert.equal(isPending({ steps: [step("create")], superseded: [] }), true);
  });
});

const step = (action: Step["action"], observed: readonly Difference[] = [], name = "host"): Step => ({
  name,
  kind: name,
  action,
  differences: observed,
});
const of = (...steps: Step[]): Plan => ({ steps, superseded: [] });

describe("what an earlier run replaced", () => {
  it("is nothing to be removed when it is of no kind that the stack has", () => {
    const superseded = [{ name: "host", kind: "nonsense", generation: 1, id: "x-1" }];
    const found = plan([wishFor("host")], new Map([["host", seen("host-1")]]), { ...empty, superseded });
    assert.equal(isPending(found), false);
  });
});

describe("what was shown covers", () => {
  const shown = of(step("create"), step("update", [size], "net"), step("replace", [place, size], "disk"));

  for (const [what, now] of [
    ["the same", shown],
    ["nothing at all", of()],
    ["less", of(step("update", [size], "net"))],
    ["the update of what came to light though it was to be created", of(step("update", [size]))],
  ] as const) {
    it(what, () => assert.equal(isWithin(shown, now), true));
  }
});

describe("what was shown doesn't cover", () => {
  const shown = of(step("create"), step("update", [size], "net"), step("replace", [place], "disk"));

  for (const [what, now] of [
    ["the replacement of what was to be created", of(step("replace", [place]))],
    ["the replacement of what was to be updated", of(step("replace", [place], "net"))],
    ["the creation of what was to be updated", of(step("create", [], "net"))],
    ["another update than the one shown", of(step("update", [{ ...size, desired: "huge" }], "net"))],
    ["one more difference", of(step("replace", [place, size], "disk"))],
    ["what wasn't shown at all, beside what was", of(step("create"), step("create", [], "other"))],
  ] as const) {
    it(what, () => assert.equal(isWithin(shown, now), false));
  }
});
