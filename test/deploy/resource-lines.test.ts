import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differenceLine, resourceLines } from "../../lib/deploy/resource-lines.ts";

describe("what differs from berth.yaml", () => {
  const steps = ["vpc", "role", "image", "release"].map((name) => ({ name, action: "update" }));
  it("is one line, however much it is", () => {
    assert.equal(differenceLine([]), "differs     nothing from berth.yaml");
    assert.match(
      differenceLine(steps.slice(3)),
      /^differs {5}release \(update\); .*berth plan shows each field$/,
    );
    assert.match(
      differenceLine(steps),
      /^differs {5}vpc \(update\), role \(update\), image \(update\) and 1 more; /,
    );
  });
});

describe("the resources in status", () => {
  it("have a row each where they aren't as declared, those that are gone too", () => {
    const rows = [
      { name: "vpc", id: "vpc-1", state: "ok" },
      { name: "address", id: undefined, state: "absent" },
      { name: "release", id: "release 3", state: "differs" },
    ] as const;
    assert.deepEqual(resourceLines("shop", rows), [
      "address            absent   ",
      "release            differs  release 3",
      "resources   1 others as declared",
    ]);
    assert.deepEqual(resourceLines("shop", [rows[0], rows[0]]), ["resources   2, all as declared"]);
  });

  it("stand below each other, however long a domain is", () => {
    const rows = [
      { name: "vpc", id: "vpc-1", state: "differs" },
      { name: "record-app-example-org-b0bf13b6", id: "app.example.org", state: "differs" },
    ] as const;
    const [first = "", second = ""] = resourceLines("shop", rows);
    assert.equal(first.indexOf("differs"), second.indexOf("differs"));
  });

  it("are one sentence where there is none", () => {
    const rows = ["vpc", "subnet"].map((name) => ({ name, state: "absent" as const }));
    const [line, ...more] = resourceLines("shop", rows);
    assert.match(line ?? "", /^nothing of shop is there; .*berth up.* makes it$/);
    assert.deepEqual(more, []);
  });
});
