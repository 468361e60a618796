import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { lossesOf } from "../host/load.ts";
import { requireExit } from "./command-line.ts";
import { kill, type Mishap, MishapRig, rowOf } from "./mishap-rig.ts";

interface Row extends Mishap {
  readonly name: string;
  /** What clients may get while the mishap lasts. Nothing else, and nothing at all if absent. */
  readonly losses?: readonly string[];
}

/** What dies in the middle of a release. Nobody helps the host, and `up` waits all the while. */
describe("a release goes on by itself, and serves,", () => {
  let rig: MishapRig;
  before(async () => {
    rig = await MishapRig.open();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const cutOff = ["ECONNRESET", "ECONNREFUSED"];
  const rows: readonly Row[] = [
    { name: "after kill -9 of the converger", strike: kill("berth") },
    // For a moment, it sets up the replicas' ports anew: nothing was sent, and clients are told so.
    { name: "after kill -9 of the engine", strike: kill("docker"), losses: ["503"] },
    { name: "after kill -9 of containerd", strike: kill("containerd") },
    { name: "after kill -9 of the edge", strike: kill("nginx"), losses: cutOff },
    { name: "after kill -9 of the switch", strike: kill("berth-switch"), losses: ["502", "503"] },
    {
      name: "after kill -9 of converger and engine while its command runs",
      hasCommand: true,
      strike: `${kill("berth")}; ${kill("docker")}`,
      losses: ["503"],
    },
    // It is away meanwhile.
    {
      name: "after a reboot while its command runs",
      hasCommand: true,
      strike: () => rig.reboot(),
      losses: ["502", "503", "ETIMEDOUT", ...cutOff],
    },
  ];

  for (const { name, losses = [], ...mishap } of rows) {
    it(name, async (t) => {
      const switchBefore = await rig.run("systemctl show --property MainPID berth-switch.service");
      const shipped = await rig.ship(mishap);
      const { number, up, answers } = shipped;
      t.diagnostic(rowOf(name, shipped));
      requireExit(up, 0);
      assert.deepEqual(
        [...lossesOf(answers).keys()].filter((said) => !losses.includes(said)),
        [],
      );
      assert.equal(
        await rig.containers(),
        `app-${number}-0 running, app-${number}-1 running`.replace(",", ""),
      );
      assert.equal(await rig.serves(), number);
      if (name.endsWith("the edge"))
        assert.equal(await rig.run("systemctl show --property MainPID berth-switch.service"), switchBefore);
    });
  }

  it("which is what history and status say", async () => {
    const newest = rows.length + 1;
    const served = Array.from({ length: rows.length }, (_none, at) => [newest - 1 - at, "served", undefined]);
    assert.deepEqual(await rig.history(), [[newest, "serves", undefined], ...served]);
    const { events } = await rig.stack.status();
    const rollout = events.find(({ event }) => event === "status")?.["rollout"];
    assert.match(JSON.stringify(rollout), new RegExp(`"status":"serving","serves":${newest},`));
  });
});
