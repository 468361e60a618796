import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPhases, describePhases } from "../../setup/phases.ts";

function phasesOnPaper() {
  const lines: string[] = [];
  let nowMs = 0;
  const phases = createPhases({ write: (line) => lines.push(line), now: () => nowMs });
  const take = (ms: number) => async () => {
    nowMs += ms;
  };
  return { lines, phases, take };
}

describe("phases", () => {
  it("are silent when they take less than a second", async () => {
    const { lines, phases, take } = phasesOnPaper();
    await phases.run("quick", take(999));
    assert.deepEqual(lines, []);
  });

  it("say their seconds when they take longer", async () => {
    const { lines, phases, take } = phasesOnPaper();
    await phases.run("slow", take(2_340));
    assert.deepEqual(lines, ["slow: 2.3 s"]);
  });

  it("say that they go on when a second has passed", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { lines, phases } = phasesOnPaper();
    let end = () => {};
    const running = phases.run("slow", () => new Promise<void>((resolve) => (end = resolve)));
    t.mock.timers.tick(1_000);
    assert.deepEqual(lines, ["slow …"]);
    end();
    await running;
  });

  it("are all kept for the table at the end, which leaves out those that took no time", async () => {
    const { phases, take } = phasesOnPaper();
    await phases.run("nothing to do", take(5));
    await phases.run("slow", take(12_000));
    assert.equal(phases.ended.length, 2);
    assert.deepEqual(describePhases(phases.ended), ["slow    12.0 s"]);
  });
});
