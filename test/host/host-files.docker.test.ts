import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import { userData } from "../../lib/host/user-data.ts";
import { fromRoot } from "../../lib/paths.ts";
import { launcherFiles } from "../../lib/host/host-files.ts";
import { openToolbox, type Toolbox } from "./toolbox.ts";

const settings = { stack: "hello", region: "eu-central-1", bucket: "berth-hello", account: "123456789012" };

describe("the files of the host", () => {
  let toolbox: Toolbox;
  before(async () => {
    toolbox = await openToolbox(await connectDocker());
  });
  after(() => toolbox?.[Symbol.asyncDispose]());

  const put = (path: string, text: string) => toolbox.put([{ path, text, executable: false }]);

  it("hold user data that cloud-init's own schema accepts", async () => {
    await put("/tmp/good.yaml", userData(settings));
    await put("/tmp/bad.yaml", userData(settings).replace("runcmd:", "runcmd: 1\nunknown:"));
    assert.match(await toolbox.run("cloud-init schema --config-file /tmp/good.yaml"), /Valid schema/);
    await assert.rejects(toolbox.run("cloud-init schema --config-file /tmp/bad.yaml"));
  });

  it("hold a script that shellcheck has nothing to say about", async () => {
    const source = readFileSync(fromRoot("lib/host/agent/usr/local/lib/berth/setup.sh"), "utf8");
    await put("/tmp/setup.sh", source);
    assert.equal(await toolbox.run("shellcheck --enable=all --exclude=SC2250,SC2312 /tmp/setup.sh"), "");
  });

  it("hold units that systemd reads without a complaint", async () => {
    await toolbox.put(launcherFiles());
    const names = ["berth", "berth-switch", "berth-launcher"];
    const units = names.map((name) => `/etc/systemd/system/${name}.service`).join(" ");
    assert.equal(
      await toolbox.run(`systemd-analyze verify --man=no --recursive-errors=no ${units} 2>&1`),
      "",
    );
  });

  it("decide as they should", async () => {
    await toolbox.put(launcherFiles());
    await put("/tmp/decisions.py", readFileSync(fromRoot("test/host/decisions.py"), "utf8"));
    assert.match(await toolbox.run("python3 -W error /tmp/decisions.py 2>&1"), /^OK$/m);
  });
});
