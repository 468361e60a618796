import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../local/temporary-aws.ts";
import { AgentRig, errorOf } from "./agent-rig.ts";
import { type Finished, requireExit, writesOf } from "./command-line.ts";

/** One Berth after another, each with another agent, on a host that serves all the while. */
describe("a changed agent", () => {
  let rig: AgentRig;
  before(async () => {
    rig = await AgentRig.open();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const agentOf = () => rig.onHost("cat /usr/local/lib/berth/converge.py");
  const stepsOf = ({ events }: Finished) => events.find(({ event }) => event === "plan")?.["steps"];

  it("takes the place of the old one, which a plan says, on the same host", async () => {
    await rig.change("converge.py", "POLL_S = 2", "POLL_S = 1");
    await rig.change("switch.conf", "proxy_connect_timeout 1s;", "proxy_connect_timeout 2s;");
    await rig.change("edge.conf", "send_timeout 30s;", "send_timeout 29s;");
    const run = await rig.upUnderLoad();
    requireExit(run, 0);
    assert.match(JSON.stringify(stepsOf(run)), /"name":"agent".*"field":"bundle"/);
    assert.match(await agentOf(), /^POLL_S = 1$/m);
  });

  it("that ends at its start is refused with its last words, and the old one goes on", async () => {
    await rig.change("converge.py", "POLL_S = 1", 'POLL_S = 1\nraise RuntimeError("broken on purpose")');
    const run = await rig.upUnderLoad();
    requireExit(run, 5);
    const { code, message } = errorOf(run) ?? {};
    assert.equal(code, "AgentUnhealthy");
    assert.match(
      String(message),
      /it ended 3 times: .*; RuntimeError: broken on purpose; agent [0-9a-f]{12} goes on/,
    );
    assert.doesNotMatch(await agentOf(), /broken/);
  });

  it("whose edge nginx refuses is refused too, and the edge is as it was", async () => {
    await rig.change("converge.py", '\nraise RuntimeError("broken on purpose")', "");
    await rig.change("edge.conf", "sendfile on;", "sendfile perhaps;");
    const run = await rig.upUnderLoad();
    requireExit(run, 5);
    assert.match(String(errorOf(run)?.["message"]), /invalid value "perhaps"/);
    assert.match(await rig.onHost("cat /etc/nginx/nginx.conf"), /sendfile on;/);
  });

  it("that completes no turn is refused, and the old one goes on", async () => {
    await rig.change("edge.conf", "sendfile perhaps;", "sendfile on;");
    await rig.change("converge.py", "        self.report(wanted)\n", '        raise Failed("never done")\n');
    const run = await rig.upUnderLoad();
    requireExit(run, 5);
    assert.match(String(errorOf(run)?.["message"]), /completed no turn in 90 s: .*never done; trying again/);
    assert.doesNotMatch(await agentOf(), /never done/);
    assert.equal(await rig.onHost("systemctl is-active berth.service"), "active");
  });

  it("that is good again is all that up asks for, and then nothing", async () => {
    await rig.change("converge.py", 'raise Failed("never done")', "self.report(wanted)");
    requireExit(await rig.upUnderLoad(), 0);
    const again = await rig.up();
    requireExit(again, 0);
    assert.deepEqual([again.summary["outcome"], writesOf(again)], ["unchanged", 0]);
    await until(async () => (await rig.onHost("ls /var/lib/berth-launcher | grep -c tar.gz")) === "1");
  });
});
