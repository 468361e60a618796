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

  it("stand below each other, however long a domain is", () => {
    const rows = [
      { name: "vpc", id: "vpc-1", state: "ok" },
      { name: "record-app-example-org-b0bf13b6", id: "app.example.org", state: "ok" },
    ] as const;
    const [first = "", second = ""] = resourceLines("shop", rows);
    assert.equal(first.indexOf("ok"), second.indexOf("ok"));
  });

  it("are one sentence where there is none", () => {
    const rows = ["vpc", "subnet"].map((name) => ({ name, state: "absent" as const }));
    const [line, ...more] = resourceLines("shop", rows);
    assert.match(line ?? "", /^nothing of shop is there; .*berth up.* makes it$/);
    assert.deepEqual(more, []);
  });
});
