import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { drainingChecks } from "../../../compose/checks/draining.ts";
import { persistenceChecks } from "../../../compose/checks/persistence.ts";
import { replicaChecks } from "../../../compose/checks/replicas.ts";
import { recoveryChecks } from "../../../compose/checks/recovery.ts";
import { type CheckResult, failCheck, runCheck, skipCheck } from "../../../compose/check.ts";
import { getOwn } from "../../../compose/own-cluster.ts";
import { prove, refuseEmpty } from "../../../compose/proof.ts";
import { tryCheck } from "../fakes/red.ts";
import { roles, Shop } from "../fakes/shop.ts";

const front = "host → nginx → web → db";
const own = (shop: Shop) => shop.own;

describe("replicas", { concurrency: 4 }, () => {
  tryCheck({
    between: "nginx → 3 × web",
    name: "three replicas share the work, nginx not restarted",
    list: () => replicaChecks(roles),
    cluster: own,
    seen: /^5 \+ 5 \+ 5 views$/,
    faults: [
      [
        "docker-compose fails",
        (shop) => (shop.compose = () => ({ exitCode: 1, lines: ["no room"], stdout: "" })),
        /up --scale web=3 failed: no room/,
      ],
      [
        "the edge is restarted",
        (shop) => {
          const { compose } = shop;
          shop.compose = (args) => {
            shop.engine.start(shop.engine.of("nginx"));
            return compose(args);
          };
        },
        /nginx was restarted on the way/,
      ],
    ],
  });

  tryCheck({
    between: front,
    name: "500 at once raise the count by 500",
    list: () => replicaChecks(roles),
    seen: /^0 → 500 in [\d.]+ s, no count shown twice$/,
    faults: [
      [
        "one gets no page",
        (shop) => {
          shop.spoil = (answer, request) => {
            if (request.url === "/" && answer.headers["x-page-views"] === "250") answer.status = 503;
          };
        },
        /1 of 500 got no page, the first 503/,
      ],
      [
        "one is not counted",
        (shop) => (shop.psql = () => ({ exitCode: 0, output: String(Math.max(0, shop.views - 1)) })),
        /Postgres counts 499 more after 500 views/,
      ],
      [
        "two are shown the same count",
        (shop) => {
          shop.spoil = (answer) => {
            if (answer.headers["x-page-views"] !== "250") return;
            answer.headers["x-page-views"] = "249";
            answer.body = '<b id="count">249<';
          };
        },
        /1 visitors were shown a count that another one was shown/,
      ],
    ],
  });
});

tryCheck({
  between: "nginx → web",
  name: "every web stopped: requests in flight are answered",
  list: () => drainingChecks(roles),
  // As on a slow computer.
  prepare: (shop) => (shop.impatient = 1),
  seen: /^6 of 6 answered, exit code 0$/,
  faults: [
    [
      "they are dropped",
      (shop) => Object.assign(shop, { drains: false, timeoutMs: 3000 }),
      /of 6 requests in flight, these were the answers: 502, 502/,
    ],
    ["an app is killed in the end", (shop) => (shop.exitCode = 137), /web ended with exit codes 137, 137/],
  ],
});

tryCheck({
  between: "db → its volume",
  name: "the count survives down and up",
  list: () => persistenceChecks(roles),
  cluster: own,
  seen: /^0 views kept, the next is 1$/,
  faults: [
    [
      "the count is lost",
      (shop) => {
        shop.views = 7;
        const { compose } = shop;
        shop.compose = (args) => {
          shop.views = 0;
          return compose(args);
        };
      },
      /7 views before, 0 after/,
    ],
    [
      "the next view isn't the next number",
      (shop) => (shop.countsOf = () => 2),
      /the next view is number 2 instead of 1/,
    ],
    [
      "down leaves something",
      (shop) => {
        const { compose } = shop;
        shop.compose = (args) => {
          const done = compose(args);
          if (args.includes("down")) shop.add("db");
          return done;
        };
      },
      /down left \/fake-db-1/,
    ],
    [
      "down fails",
      (shop) => (shop.compose = () => ({ exitCode: 1, lines: [], stdout: "" })),
      /docker-compose down failed with exit code 1/,
    ],
  ],
});

describe("what is done to whom", { concurrency: 2 }, () => {
  test("a cluster that isn't the test's own is never made anew or removed, even with --faults", async () => {
    await using shop = await Shop.open();
    const before = shop.engine.containers.map(({ info }) => info.Id);
    const results = await prove(shop.cluster, { faults: true, note: () => undefined });
    assert.deepEqual(
      results
        .filter(({ outcome }) => outcome !== "passed")
        .map(({ name, outcome, seen }) => [name, outcome, seen]),
      ["three replicas share the work, nginx not restarted", "the count survives down and up"].map((name) => [
        name,
        "skipped",
        "only on a cluster of its own: it makes and removes containers",
      ]),
    );
    assert.deepEqual(
      shop.engine.containers.map(({ info }) => info.Id),
      before,
    );
    assert.equal(results.length, 25);
    assert.throws(() => getOwn(shop.cluster), { code: "NotIsolated" });
  });

  test("nothing is stopped unless asked, and nothing is broken further once something is red", async () => {
    await using shop = await Shop.open();
    const started = shop.engine.containers.map(({ info }) => info.State.StartedAt);
    shop.engine.of("web").info.Config.User = "root";
    const results = await prove(shop.own, { faults: true, note: () => undefined });
    const skipped = results.filter(({ outcome }) => outcome === "skipped");
    assert.equal(results.filter(({ outcome }) => outcome === "failed").length, 1);
    assert.equal(skipped.length, 8);
    assert.ok(skipped.every(({ seen }) => seen === "an earlier check failed"));
    await using quiet = await Shop.open();
    const calm = await prove(quiet.own, { faults: false, note: () => undefined });
    assert.equal(calm.filter(({ seen }) => seen === "needs --faults on a running cluster").length, 7);
    for (const { engine } of [shop, quiet])
      assert.deepEqual(
        engine.containers.map(({ info }) => info.State.StartedAt),
        started,
      );
  });

  test("an interruption is none either where only looks are made", async () => {
    await using shop = await Shop.open();
    const db = shop.file.services.get("db");
    assert.ok(db);
    const file = { ...shop.file, roles: undefined, services: new Map([["db", db]]) };
    const cluster = Object.assign(shop.cluster, { file, signal: AbortSignal.abort(new Error("stopped")) });
    const proving = { faults: true, note: () => undefined };
    await assert.rejects(prove(cluster, proving), /stopped/);
  });

  test("every check that stops something says so", () => {
    const disruptive = [...drainingChecks(roles), ...recoveryChecks(roles), ...persistenceChecks(roles)];
    assert.ok(disruptive.every((check) => check.disruptive === true));
  });

  const result = (outcome: CheckResult["outcome"]): CheckResult => ({
    between: "a",
    name: "b",
    outcome,
    seen: "",
    durationMs: 0,
  });
  test("a run in which nothing passed is no success", () => {
    for (const results of [[], [result("skipped")]])
      assert.throws(() => refuseEmpty("shop.yml", results), { code: "NothingChecked", exitCode: 1 });
    assert.doesNotThrow(() => refuseEmpty("shop.yml", [result("passed"), result("skipped")]));
  });

  test("any failure of a check is a result, and an interruption is none", async () => {
    await using shop = await Shop.open();
    const check = { between: "a → b", name: "c" };
    const fails = { ...check, run: () => Promise.reject(new TypeError("odd")) };
    const failed = await runCheck(fails, shop.cluster);
    assert.deepEqual([failed.outcome, failed.error?.code, failed.seen], ["failed", "NoAnswer", "a → b: odd"]);
    const red = await runCheck(
      { ...check, run: async () => failCheck("red", { service: "b" }) },
      shop.cluster,
    );
    assert.deepEqual([red.outcome, red.error?.code, red.error?.resource], ["failed", "CheckFailed", "b"]);
    assert.equal(skipCheck(fails, "not now").outcome, "skipped");
    const stopped = Object.assign(shop.cluster, { signal: AbortSignal.abort(new Error("stopped")) });
    await assert.rejects(runCheck(fails, stopped), /stopped/);
  });
});
