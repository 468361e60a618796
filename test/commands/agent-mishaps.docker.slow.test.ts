import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../local/temporary-aws.ts";
import { AgentRig, errorOf } from "./agent-rig.ts";
import { requireExit, writesOf } from "./command-line.ts";

/** All that Berth keeps on a host's disk. */
const folders = "/var/lib/berth-launcher /var/lib/berth /usr/local/lib/berth";
const launcher = "/var/lib/berth-launcher";

/** What may happen to a host while it is to get another agent. It serves all the while, and nobody helps it. */
describe("an agent's update", () => {
  let rig: AgentRig;
  before(async () => {
    rig = await AgentRig.open();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const installed = () => rig.onHost("grep ^POLL_S /usr/local/lib/berth/converge.py");
  const agentOnHost = () => rig.onHost(`ls ${launcher} | grep tar.gz`);

  /** A small disk in the place of these folders, with what they hold. */
  const useSmallDisk = () =>
    rig.onHost(`set -e; mkdir /small; mount -t tmpfs -o size=64m,mode=755 small /small
      for folder in ${folders}; do
        cp -a --parents $folder /small; mount --bind /small$folder $folder
      done
      systemctl restart berth-launcher.service berth.service`);

  it("waits for room on a full disk, which up says, and then comes by itself", async () => {
    await useSmallDisk();
    await until(async () => (await rig.onHost("systemctl is-active berth.service || true")) === "active");
    await rig.onHost(
      "until ! dd if=/dev/zero of=/small/filler bs=64k oflag=append conv=notrunc 2>/dev/null && df --output=avail /small | grep -qx ' *0'; do :; done",
    );
    await rig.changeVersion();
    const [old, agent] = [await installed(), await agentOnHost()];
    await rig.underLoad(async () => {
      const run = await rig.up();
      requireExit(run, 5);
      const { code, message, hint } = errorOf(run) ?? {};
      assert.equal(code, "AgentPostponed");
      assert.match(
        String(message),
        /^agent \w{12} can't be installed on i-\w+ now: the host's disk is full, less than 16 MiB are free; agent \w{12} goes on$/,
      );
      assert.match(String(hint), /tries again by itself/);
      const { events } = await rig.stack.status();
      assert.match(JSON.stringify(events), /"agent":\{[^}]*disk is full[^}]*"isRetried":true/);
      assert.deepEqual([await installed(), await agentOnHost()], [old, agent]);

      await rig.onHost("rm /small/filler");
      await until(async () => (await installed()) !== old);
      await until(async () => (await agentOnHost()) !== agent && !(await agentOnHost()).includes("\n"));
      const again = await rig.up();
      requireExit(again, 0);
      assert.deepEqual([again.summary["outcome"], writesOf(again)], ["unchanged", 0]);
    });
    assert.equal(
      await rig.onHost(`ls ${launcher}/reserve 2>&1 || true`),
      `ls: cannot access '${launcher}/reserve': No such file or directory`,
    );
  });

  /** The bucket's address answers with nothing at all, as behind a broken route. Comes before the embedded AWS's own rules. */
  const silence = "iptables -t raw -I OUTPUT -p tcp --dport 443 -j DROP";
  const speak = silence.replace("-I", "-D");

  it("goes on by itself after the bucket was out of reach, before it and in the middle of it", async () => {
    const { program } = await rig.changeVersion();
    await rig.underLoad(async () => {
      await rig.onHost(silence);
      const up = rig.up();
      await sleep(30_000);
      assert.equal(await rig.onHost(`grep -c trying ${launcher}/state.json || true`), "0");
      await rig.onHost(
        `${speak}; until grep -q trying ${launcher}/state.json; do sleep 0.1; done; ${silence}`,
      );
      const log = "journalctl --output cat --unit berth-launcher.service";
      await rig.onHost(`until ${log} | grep -q 'the trial goes on'; do sleep 0.5; done`);
      // Longer than an agent may take for a turn while the bucket answers.
      await sleep(100_000);
      await rig.onHost(speak);
      requireExit(await up, 0);
    });
    assert.equal(await installed(), program);
  });
});
