import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CheckResult } from "../../../compose/check.ts";
import { proveRest } from "../../../compose/proof.ts";
import { Shop } from "../fakes/shop.ts";

/** What is said of the others once one is known to have failed. */
async function readRest(spoil: (shop: Shop) => void, known: string) {
  await using shop = await Shop.open();
  shop.timeoutMs = 1;
  spoil(shop);
  const results: CheckResult[] = [];
  const note = (result: CheckResult) => void results.push(result);
  const errors = await proveRest(shop.cluster, known, { note });
  return {
    errors: errors.map(({ message }) => message),
    seen: results.map(({ between, outcome, seen }) => `${between}: ${outcome}: ${seen}`).toSorted(),
  };
}

describe("one service that fails doesn't hide the others", { concurrency: 4 }, () => {
  test("those that are well are checked, and what the ill one takes part in is left out", async () => {
    const { errors, seen } = await readRest(
      ({ engine }) => engine.of("db").setHealth("unhealthy", "full"),
      "db",
    );
    assert.deepEqual(errors, []);
    assert.match(seen.join("\n"), /^host → nginx: passed: 127\.0\.0\.1:\d+$/m);
    assert.match(seen.join("\n"), /^nginx → web: passed: port 8000$/m);
    assert.match(seen.join("\n"), /^web → db: skipped: db isn't ready: unhealthy: full$/m);
  });

  test("each other one that has failed is an error of its own, after the one that is known", async () => {
    const { errors } = await readRest(({ engine }) => {
      for (const name of ["db", "nginx"]) engine.of(name).setHealth("unhealthy", `${name} is full`);
    }, "db");
    assert.deepEqual(errors, ["service nginx: unhealthy: nginx is full"]);
  });

  test("a way that is closed between two that are well is an error too", async () => {
    const { errors } = await readRest(({ engine }) => {
      engine.of("db").setHealth("unhealthy", "full");
      engine.allOf("web").forEach((one) => (one.listens = []));
    }, "db");
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? "", /^service web listens on no TCP port/);
  });

  test("where nothing is well, nothing is looked at", async () => {
    const all = ["db", "nginx", "web", "migrate"];
    const { errors, seen } = await readRest(({ engine }) => {
      for (const name of all) engine.allOf(name).forEach((one) => one.setHealth("unhealthy", "bad"));
    }, "db");
    assert.deepEqual(errors.toSorted(), ["service nginx: unhealthy: bad", "service web: unhealthy: bad"]);
    assert.deepEqual(seen, []);
  });
});
