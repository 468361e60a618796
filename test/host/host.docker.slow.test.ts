import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RebootInstancesCommand } from "@aws-sdk/client-ec2";
import type { Release } from "../../lib/release/schema.ts";
import { fromRoot } from "../../lib/paths.ts";
import { writeSourceFolder } from "../docker/source-folder.ts";
import { until } from "../local/temporary-aws.ts";
import { ask, askDuring } from "./clients.ts";
import { edgeDefaults, openHostRig, type HostRig } from "./host-rig.ts";

const goWeb = fromRoot("dockerfiles/go-web");
/** Says who it is and what it may, and ends. */
const ends = {
  "go.mod": "module example.test/ends\n\ngo 1.24\n",
  "main.go": `package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("id", os.Getuid())
	_, err := os.Create("/here")
	fmt.Println(err)
	fmt.Println(os.Getenv("LINES"))
	os.Exit(3)
}
`,
};

describe("the host", () => {
  let rig: HostRig;
  let image: string;
  before(async () => {
    rig = await openHostRig();
    image = await rig.push(goWeb);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const answers = () => until(async () => (await ask(rig.url)) === 200);
  const containers = async () =>
    (await rig.run("docker ps --all --format '{{.Names}} {{.State}}' | sort")).split("\n");
  /** Of edge and switch. Those that were there before a reload end when they have answered. */
  const workers = () => rig.run("pgrep -f '^nginx: worker process$' | sort | xargs");

  /** What becomes of a body of so many MiB. The app takes every method. */
  const send = async (mebibytes: number) => {
    const response = await fetch(rig.url, { method: "POST", body: Buffer.alloc(mebibytes << 20) });
    await response.arrayBuffer();
    return response.status;
  };

  it("asks for patience until there is a release, then serves it by its settings", async () => {
    await until(async () => (await ask(rig.url)) === 503);
    const report = await rig.release(1, image, { edge: { ...edgeDefaults, bodyMib: 3 } });
    assert.equal(await send(4), 413);
    assert.notEqual(await send(2), 413);
    assert.deepEqual([report.status, report.serves], ["serving", 1]);
    assert.equal(await ask(rig.url), 200);
    assert.deepEqual(await containers(), ["app-1-0 running", "app-1-1 running"]);
  });

  it("ends its boot without a complaint", async () => {
    assert.equal(await rig.run("cloud-init status --wait"), "status: done");
    assert.equal(await rig.run("systemctl is-system-running --wait"), "running");
    assert.equal(await rig.run("systemctl show --property NRestarts --value berth.service"), "0");
  });

  it("gives the app no rights that it doesn't need", async () => {
    const form =
      "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Memory}}";
    assert.equal(
      await rig.run(`docker inspect --format '${form}' app-1-0`),
      "65532:65532 true [ALL] [no-new-privileges] 67108864",
    );
    assert.doesNotMatch(await rig.run("ss -Hltn || netstat -ltn"), /(0\.0\.0\.0|\*|\[::\]):2\d{4}\b/);
  });

  it("ships two releases in a row without losing one request", async () => {
    const seen = await askDuring(rig.url, async () => {
      assert.equal((await rig.release(2, image)).status, "serving");
      assert.equal((await rig.release(3, image, { replicas: 3 })).serves, 3);
    });
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual(await containers(), ["app-3-0 running", "app-3-1 running", "app-3-2 running"]);
  });

  it("keeps the old release when a new one ends by itself, and says why", async () => {
    await using folder = await writeSourceFolder(ends);
    const bad = await rig.push(folder.path);
    const seen = await askDuring(rig.url, async () => {
      const report = await rig.release(4, bad, { environment: { LINES: "one\ntwo  $HOME" } });
      assert.equal(report.status, "failed");
      assert.equal(report.serves, 3);
      assert.match(report.reason ?? "", /app-4-0 stopped by itself/);
      assert.deepEqual(report.log?.slice(0, 1), ["id 65532"]);
      assert.match(report.log?.join("\n") ?? "", /read-only file system\none\ntwo  \$HOME/);
    });
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual(await containers(), ["app-3-0 running", "app-3-1 running", "app-3-2 running"]);
  });

  it("goes on with the next release after one that failed", async () => {
    const report = await rig.release(5, image, { replicas: 2 });
    assert.deepEqual([report.status, report.serves], ["serving", 5]);
  });

  it("brings back what was killed and what was removed", async () => {
    const started = await rig.run("docker inspect --format '{{.State.StartedAt}}' app-5-0");
    await rig.run("docker kill app-5-0; docker rm --force app-5-1");
    await until(async () => (await containers()).join() === "app-5-0 running,app-5-1 running");
    await answers();
    assert.notEqual(await rig.run("docker inspect --format '{{.State.StartedAt}}' app-5-0"), started);
  });

  it("keeps the edge's log from filling the disk, and goes on logging", async () => {
    const log = "/var/log/berth/edge.log";
    await rig.run(`head -c 34000000 /dev/zero | tr '\\0' '\\n' >> ${log}`);
    const size = async () => Number(await rig.run(`test -e ${log}.1 && stat -c %s ${log} || echo 34000000`));
    await until(async () => (await size()) < 34_000_000);
    await ask(rig.url);
    await until(async () => (await rig.run(`tail -n 1 ${log}`)).includes('"status":200'));
  });

  it("finishes a release whose converger was killed in the middle", async () => {
    const seen = await askDuring(rig.url, async () => {
      const done = rig.release(6, image);
      await until(async () => (await containers()).some((row) => row.startsWith("app-6-")));
      await rig.run("kill -9 $(systemctl show --property MainPID --value berth.service)");
      assert.equal((await done).status, "serving");
    });
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual(await containers(), ["app-6-0 running", "app-6-1 running"]);
  });

  it("has edge and switch go by a release's other settings without losing one request", async () => {
    const seen = await askDuring(rig.url, async () => {
      const edge = { ...edgeDefaults, bodyMib: 20, drainSeconds: 5, trustedProxies: ["192.0.2.0/24"] };
      assert.equal((await rig.release(7, image, { edge, stopSeconds: 7 })).status, "serving");
    });
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual([await send(21), (await send(19)) === 413], [413, false]);
    assert.match(await rig.run("iptables -S berth-edge"), /-s 192\.0\.2\.0\/24 -j RETURN/);
    assert.equal(await rig.run("docker inspect --format '{{.Config.StopTimeout}}' app-7-0"), "7");
    assert.equal(await rig.run("cat /var/lib/berth/drain.conf"), "worker_shutdown_timeout 5s;");
  });

  it("starts no replica of a release whose command fails, and those of one whose command has ended well", async () => {
    await using folder = await writeSourceFolder({
      Dockerfile: "FROM python:3.13-slim-trixie\nWORKDIR /srv\n",
    });
    const other = await rig.push(folder.path);
    const settings = {
      command: ["python3", "-m", "http.server", "8080"],
      environment: { MODE: "trial" },
    };
    const ending = (code: number) => [
      "python3",
      "-c",
      `import os, sys; print("migrating for", os.environ["MODE"], flush=True); sys.exit(${code})`,
    ];
    const [served, found] = [(await rig.report())?.serves, await containers()];
    const seen = await askDuring(rig.url, async () => {
      const refused = await rig.release(8, other, { ...settings, releaseCommand: ending(3) });
      assert.deepEqual([refused.status, refused.serves], ["failed", served]);
      assert.equal(refused.reason, "app.releaseCommand failed: exit code 3");
      assert.deepEqual(refused.log, ["migrating for trial"]);
      assert.deepEqual(await containers(), found);
      const shipped = await rig.release(9, other, { ...settings, releaseCommand: ending(0) });
      assert.deepEqual([shipped.status, shipped.serves], ["serving", 9]);
    });
    assert.deepEqual([...seen.keys()], [200]);
    assert.deepEqual(await containers(), ["app-9-0 running", "app-9-1 running"]);
  });

  it("goes back to the image before without a pull", async (t) => {
    await using folder = await writeSourceFolder({
      Dockerfile: "FROM python:3.13-slim-trixie\nWORKDIR /srv\n",
    });
    const other = await rig.push(folder.path);
    const command = ["python3", "-m", "http.server", "8080"];
    const edge = { ...edgeDefaults, drainSeconds: 5 };
    assert.equal((await rig.release(10, other, { command, edge })).status, "serving");
    const since = await rig.run("date +%s.%N");
    const pulls = () =>
      rig.run(`docker events --since ${since} --until "$(date +%s.%N)" --filter event=pull`);
    const startedMs = Date.now();
    const seen = await askDuring(rig.url, async () => {
      assert.equal((await rig.release(11, image)).serves, 11);
    });
    t.diagnostic(`from its publication to its report: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
    assert.deepEqual([...seen.keys()], [200]);
    assert.equal(await pulls(), "");
    await rig.run(`docker pull --quiet ${image}`);
    assert.match(await pulls(), /image pull/, "a pull would have been seen");
  });

  it("shows a page in place of the app, without a reload, through a release and a restart", async () => {
    const page = "<h1>closed</h1>";
    const on = { maintenance: { since: "then", by: "somebody", page } };
    const current = async (more: Partial<Release>) => {
      await rig.release(11, image, more);
      await until(
        async () => ((await rig.report())?.maintenance === undefined) === (more.maintenance === undefined),
      );
    };
    await current({});
    const found = await workers();
    await current(on);
    const answer = await fetch(rig.url, { method: "POST", body: "x" });
    assert.deepEqual(
      [
        answer.status,
        answer.headers.get("retry-after"),
        answer.headers.get("content-type"),
        await answer.text(),
      ],
      [503, "120", "text/html; charset=utf-8", page],
    );
    assert.deepEqual(await containers(), ["app-11-0 running", "app-11-1 running"]);
    assert.equal(await workers(), found, "the edge needs no reload");
    assert.equal((await rig.release(12, image, on)).status, "serving");
    await rig.run("systemctl restart berth.service nginx.service");
    await until(async () => (await ask(rig.url)) === 503);
    assert.equal(await (await fetch(rig.url)).text(), page);
    await rig.release(12, image);
    await answers();
  });

  it("leaves edge and switch alone when the converger starts anew", async () => {
    const found = await workers();
    await rig.run(
      "rm -f /run/berth/turn; systemctl restart berth.service; until test -e /run/berth/turn; do sleep 0.2; done",
    );
    assert.equal(await workers(), found);
  });

  it("is back after a reboot, with nobody's help and no bucket", async () => {
    const boot = await rig.run("cat /proc/1/stat | cut -d' ' -f22");
    await rig.run("sed -i s/berth-host-state/no-such-bucket/ /etc/berth/settings.json");
    await rig.clients.ec2.send(new RebootInstancesCommand({ InstanceIds: [rig.id] }));
    await until(async () => {
      const now = await rig.run("cat /proc/1/stat | cut -d' ' -f22").catch(() => boot);
      return now !== boot;
    });
    await answers();
    await until(async () => (await rig.run("systemctl is-active berth.service || true")) === "active");
    await until(async () => (await containers()).join() === "app-12-0 running,app-12-1 running");
    assert.deepEqual([await send(11), (await send(9)) === 413], [413, false]);
  });
});
