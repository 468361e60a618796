import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";
import { attempt, lookIdle } from "./runner/attempt.ts";
import * as standIn from "./runner/node-test.ts";

const trialOf = (run: () => Promise<void>) => ({ id: "a", file: "a.test.ts", run });

describe("a test under Stryker", () => {
  it("is green when it ends, also when it had to wait", async () => {
    const idle = await lookIdle();

    assert.equal(
      await attempt(
        trialOf(() => Promise.resolve()),
        idle,
      ),
      undefined,
    );
    assert.equal(
      await attempt(
        trialOf(() => sleep(600)),
        idle,
      ),
      undefined,
    );
  });

  it("is red with what it throws", async () => {
    const failure = new Error("not equal");

    assert.equal(
      await attempt(
        trialOf(() => Promise.reject(failure)),
        await lookIdle(),
      ),
      failure,
    );
  });

  it("is red when it waits and nothing is left that could end that", async () => {
    const failure = await attempt(
      trialOf(() => new Promise<void>(() => undefined)),
      await lookIdle(),
    );

    assert.match(String(failure), /waits for what nothing is left to bring/);
  });
});

describe("the files of a room", () => {
  it("are gathered test by test, each run with all that stands around it, as often as one likes", async () => {
    const log: string[] = [];
    standIn.forgetTrials();
    await standIn.gather("test/a.test.ts", async () => {
      standIn.before(() => log.push("before"));
      standIn.after(() => log.push("after"));
      standIn.beforeEach(() => log.push("outer"));
      standIn.describe("a group", () => {
        standIn.beforeEach(() => log.push("inner"));
        standIn.afterEach(() => log.push("end"));
        standIn.it("is run", { concurrency: 2 }, (t) => {
          t.after(() => log.push("own end"));
          log.push(t.name);
        });
        standIn.test("is run", () => log.push("twin"));
        standIn.it("is skipped", { skip: true }, () => log.push("skipped"));
      });
    });

    assert.deepEqual(
      standIn.gathered().map(({ id }) => id),
      ["test/a.test.ts > a group > is run", "test/a.test.ts > a group > is run #2"],
    );
    const [first, twin] = standIn.gathered();
    assert.ok(first && twin);
    for (const trial of [first, twin, first]) await trial.run();
    await standIn.endAll();

    const once = ["outer", "inner", "is run", "own end", "end"];
    assert.deepEqual(log, ["before", ...once, "outer", "inner", "twin", "end", ...once, "after"]);
  });

  it("can't have a group that waits: its tests would come too late", () => {
    assert.throws(() => standIn.describe("late", () => Promise.resolve()), /late: a describe that waits/);
  });
});
