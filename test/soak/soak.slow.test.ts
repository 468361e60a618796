import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { bundleRunner } from "../crash/bundle.ts";
import { describeOperation } from "./description.ts";
import { drawOperations } from "./operations.ts";
import { parseSeeds } from "./seeds.ts";
import { runTrial } from "./trial.ts";

describe("what a seed draws", () => {
  it("is the same each time, and the beginning of what it draws more of", () => {
    const drawn = drawOperations(7, 50);

    assert.deepEqual(drawOperations(7, 50), drawn);
    assert.deepEqual(drawOperations(7, 9), drawn.slice(0, 9));
    assert.notDeepEqual(drawOperations(8, 50), drawn);
  });

  it("has everything in it that can happen, in ten seeds of fifty", () => {
    const drawn = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((seed) => drawOperations(seed, 50));
    const told = drawn.map(describeOperation).join("\n");

    const kinds =
      "version|ingress|type|deleted|changed|truncated|restore|rebuild|down|plan and status|before|after its effect|after its reply|S3 out|of calls with";
    for (const kind of kinds.split("|")) assert.ok(told.includes(kind), kind);
  });
});

describe("the seeds that are asked for", () => {
  it("are some, or a range, each once; one when none is named", () => {
    assert.deepEqual(parseSeeds("3,1..3,9"), [3, 1, 2, 9]);
    assert.equal(parseSeeds(undefined).length, 1);
  });

  for (const text of ["", "x", "5..1", "1..", "-3", "99999999999"])
    it(`are refused when they are "${text}"`, () => {
      assert.throws(() => parseSeeds(text), TypeError);
    });
});

describe("a short soak", () => {
  it("ends each operation with one of everything, and leaves nothing", async () => {
    const directory = await mkdtemp(join(tmpdir(), "berth-soak-"));
    after(() => rm(directory, { recursive: true, force: true }));
    const done: number[] = [];

    const { failure, ...outcome } = await runTrial({
      seed: 660,
      operations: 4,
      script: await bundleRunner(directory),
      onDone: ({ number }) => done.push(number),
    });

    assert.equal(failure, undefined);
    assert.deepEqual(done, [1, 2, 3, 4]);
    const { converged, orphans, duplicates, census } = outcome;
    assert.deepEqual([converged, orphans, duplicates, census], [4, 0, 0, 0]);
  });
});
