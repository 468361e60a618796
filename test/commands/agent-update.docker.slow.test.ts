import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { askDuring } from "../host/clients.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { openTreeCopy, type TreeCopy } from "../planted/tree-copy.ts";
import { type Finished, requireExit, writesOf } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

const goWeb = fromRoot("dockerfiles/go-web");
/** Of load on either side of an update. */
const aroundMs = Number(process.env["BERTH_LOAD_SECONDS"] ?? 10) * 500;

/** One Berth after another, each with another agent, on a host that serves all the while. */
describe("a changed agent", () => {
  let home: Home;
  let tree: TreeCopy;
  let stack: Stack;
  let first: Finished;
  before(async () => {
    [home, tree] = [await openHome(), await openTreeCopy(fromRoot("."))];
    stack = new Stack(home, "hello");
    await stack.configure({ source: goWeb });
    first = await stack.up();
    requireExit(first, 0);
  });
  after(async () => {
    await stack?.down();
    await home?.[Symbol.asyncDispose]();
    await tree?.[Symbol.asyncDispose]();
  });

  /** Another version of one of the host's files. */
  const change = async (name: string, from: string | RegExp, to: string) => {
    const path = join(tree.path, "lib/host/agent/usr/local/lib/berth", name);
    const text = await readFile(path, "utf8");
    assert.notEqual(text.replace(from, to), text);
    await writeFile(path, text.replace(from, to));
  };
  const instanceId = async () => {
    const { ec2 } = await home.clients();
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    const running = Reservations.flatMap(({ Instances = [] }) => Instances);
    assert.equal(running.length, 1);
    return running[0]?.InstanceId ?? "";
  };
  const onHost = async (script: string) => runInMachine(await connectDocker(), await instanceId(), script);
  const agentOf = async () => onHost("cat /usr/local/lib/berth/converge.py");

  /** `up` of the changed Berth, while clients ask. None of them may notice. */
  async function upUnderLoad(): Promise<Finished> {
    const host = await instanceId();
    let run: Finished | undefined;
    const answers = await askDuring(String(first.summary["url"]), async () => {
      await sleep(aroundMs);
      run = await stack.up({ tree: tree.path });
      await sleep(aroundMs);
    });
    const asked = [...answers.values()].reduce((total, one) => total + one, 0);
    process.stderr.write(`${asked} requests: ${JSON.stringify([...answers])}\n`);
    assert.deepEqual([...answers.keys()], [200]);
    assert.equal(await instanceId(), host);
    return run ?? assert.fail("up did not end");
  }
  const stepsOf = ({ events }: Finished) => events.find(({ event }) => event === "plan")?.["steps"];
  const errorOf = ({ events }: Finished) => events.find(({ event }) => event === "error");

  it("takes the place of the old one, which a plan says, on the same host", async () => {
    await change("converge.py", "POLL_S = 2", "POLL_S = 1");
    await change("switch.conf", "proxy_connect_timeout 1s;", "proxy_connect_timeout 2s;");
    await change("edge.conf", "send_timeout 30s;", "send_timeout 29s;");
    const run = await upUnderLoad();
    requireExit(run, 0);
    assert.match(JSON.stringify(stepsOf(run)), /"name":"agent".*"field":"bundle"/);
    assert.match(await agentOf(), /^POLL_S = 1$/m);
  });

  it("that ends at its start is refused with its last words, and the old one goes on", async () => {
    await change("converge.py", "POLL_S = 1", 'POLL_S = 1\nraise RuntimeError("broken on purpose")');
    const run = await upUnderLoad();
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
    await change("converge.py", '\nraise RuntimeError("broken on purpose")', "");
    await change("edge.conf", "sendfile on;", "sendfile perhaps;");
    const run = await upUnderLoad();
    requireExit(run, 5);
    assert.match(String(errorOf(run)?.["message"]), /invalid value "perhaps"/);
    assert.match(await onHost("cat /etc/nginx/nginx.conf"), /sendfile on;/);
  });

  it("that completes no turn is refused, and the old one goes on", async () => {
    await change("edge.conf", "sendfile perhaps;", "sendfile on;");
    await change("converge.py", "        self.report(wanted)\n", '        raise Failed("never done")\n');
    const run = await upUnderLoad();
    requireExit(run, 5);
    assert.match(String(errorOf(run)?.["message"]), /completed no turn in 90 s: .*never done; trying again/);
    assert.doesNotMatch(await agentOf(), /never done/);
    assert.equal(await onHost("systemctl is-active berth.service"), "active");
  });

  it("that is good again is all that up asks for, and then nothing", async () => {
    await change("converge.py", 'raise Failed("never done")', "self.report(wanted)");
    requireExit(await upUnderLoad(), 0);
    const again = await stack.up({ tree: tree.path });
    requireExit(again, 0);
    assert.deepEqual([again.summary["outcome"], writesOf(again)], ["unchanged", 0]);
    assert.equal(await onHost("ls /var/lib/berth-launcher | grep -c tar.gz"), "1");
  });
});
