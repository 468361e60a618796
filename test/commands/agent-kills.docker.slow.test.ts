import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until as eventually } from "../local/temporary-aws.ts";
import { AgentRig } from "./agent-rig.ts";
import { requireExit } from "./command-line.ts";

const programs = "/usr/local/lib/berth";
const state = "/var/lib/berth-launcher";

/** In-process, test/host/decisions/test_launcher.py kills it at every step. Here systemd starts it again. */
describe("the launcher that is killed while it updates the agent of a booted host", () => {
  let rig: AgentRig;
  before(async () => {
    rig = await AgentRig.open();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const restarts = () => rig.onHost("systemctl show --property NRestarts --value berth-launcher.service");

  /**
   * Once the first command succeeds, a write has no end, because its draft is a pipe that nobody reads. Kills the launcher
   * there, when the second command says that all before that write is done.
   */
  const killAt = (draft: string, when: { readonly from: string; readonly until: string }) =>
    rig.onHost(`set -e; until ${when.from}; do sleep 0.1; done; mkfifo ${draft}
      until ${when.until}; do sleep 0.1; done
      kill -9 $(systemctl show --property MainPID --value berth-launcher.service); rm ${draft}`);

  const expect = async ({ program, setting }: { readonly program: string; readonly setting: string }) => {
    assert.equal(await rig.onHost(`grep ^POLL_S ${programs}/converge.py`), program);
    assert.equal(await rig.onHost(`grep -c '${setting}' ${programs}/switch.conf`), "1");
    // The report comes first.
    await eventually(async () => (await rig.onHost(`ls ${state} | grep -c tar.gz`)) === "1");
  };

  it("ends in the desired agent when only the first of two files was new", async () => {
    const lines = await rig.changeVersion();
    await rig.underLoad(async () => {
      const until = `grep -qx '${lines.program}' ${programs}/converge.py`;
      const killed = killAt(`${programs}/.switch.conf.draft`, { from: "true", until });
      const up = rig.up();
      await killed;
      requireExit(await up, 0);
    });
    await expect(lines);
    assert.equal(await restarts(), "1");
  });

  it("ends in the desired agent when it hadn't noted yet that the agent is good", async () => {
    const lines = await rig.changeVersion();
    await rig.underLoad(async () => {
      // Nothing is noted during a trial, and the reserve goes just before its result is.
      const when = { from: `grep -q trying ${state}/state.json`, until: `test ! -e ${state}/reserve` };
      const killed = killAt(`${state}/.state.json.draft`, when);
      const up = rig.up();
      await killed;
      requireExit(await up, 0);
    });
    await expect(lines);
    assert.equal(await restarts(), "2");
  });
});
