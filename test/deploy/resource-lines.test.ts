import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resourceLines } from "../../lib/deploy/resource-lines.ts";

describe("the resources in status", () => {
  it("have a row each, those that are gone too", () => {
    const rows = [
      { name: "vpc", id: "vpc-1", state: "ok" },
      { name: "address", id: undefined, state: "absent" },
      { name: "release", id: "release 3", state: "differs" },
    ] as const;
    assert.deepEqual(resourceLines("shop", rows), [
      "vpc                ok       vpc-1",
      "address            absent   ",
      "release            differs  release 3",
    ]);
  });

  it("are one sentence where there is none", () => {
    const rows = ["vpc", "subnet"].map((name) => ({ name, state: "absent" as const }));
    const [line, ...more] = resourceLines("shop", rows);
    assert.match(line ?? "", /^nothing of shop is there; .*berth up.* makes it$/);
    assert.deepEqual(more, []);
  });
});
