import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  RebootInstancesCommand,
} from "@aws-sdk/client-ec2";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { runInMachine } from "../local/machine-shell.ts";
import { until } from "../local/temporary-aws.ts";
import { type Finished, requireExit } from "./command-line.ts";
import { type Home, openHome, Stack } from "./stack.ts";

const source = fromRoot("test/commands/volumes-app");

interface Settings {
  readonly mode?: string;
  readonly diskGib?: number;
  readonly dataGib?: number;
  readonly hasVolumes?: boolean;
}

/** One volume's life: each step starts with what the one before left. */
describe("a volume of an app", () => {
  let home: Home;
  let stack: Stack;
  let url = "";
  before(async () => {
    home = await openHome();
    stack = new Stack(home, "lasting");
  });
  after(async () => {
    await stack?.down({ words: ["--delete-data"] });
    await home?.[Symbol.asyncDispose]();
  });

  const configure = ({ mode = "a", diskGib = 8, dataGib = 1, hasVolumes = true }: Settings) =>
    stack.configure({
      source,
      lines: [
        "  startSeconds: 30",
        `  environment: { MODE: ${mode} }`,
        ...(hasVolumes ? ["  volumes: { uploads: /app/uploads }"] : []),
        `instance: { diskGib: ${diskGib}, dataGib: ${dataGib} }`,
      ],
    });
  const up = async (...words: string[]) => {
    const run = await stack.up({ words });
    requireExit(run, 0);
    url = String(run.summary["url"]);
    return run;
  };
  const read = async (path: string, patienceMs = 120_000): Promise<unknown> =>
    (await fetch(`${url}${path}`, { signal: AbortSignal.timeout(patienceMs) })).json();
  const put = async (name: string, body: string) => {
    const answer = await fetch(`${url}files/${name}`, { method: "PUT", body });
    return { status: answer.status, text: await answer.text() };
  };
  const keep = async (name: string, body: string) => assert.equal((await put(name, body)).status, 200);
  const errorOf = ({ events }: Finished) => events.find(({ event }) => event === "error");
  const volumes = async () => {
    const { ec2 } = await home.clients();
    const { Volumes = [] } = await ec2.send(
      new DescribeVolumesCommand({ Filters: [{ Name: "tag:berth:resource", Values: ["data-volume"] }] }),
    );
    return Volumes;
  };
  const hosts = async () => {
    const { ec2 } = await home.clients();
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: "instance-state-name", Values: ["running"] }] }),
    );
    return Reservations.flatMap(({ Instances = [] }) => Instances).map(({ InstanceId = "" }) => InstanceId);
  };
  const snapshots = async () => {
    const { ec2 } = await home.clients();
    const { Snapshots = [] } = await ec2.send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: "tag:berth:stack", Values: ["lasting"] }] }),
    );
    return Snapshots.map(({ SnapshotId = "" }) => SnapshotId);
  };

  it("is the app's own, on an encrypted disk, and can't hold devices or privileges", async () => {
    await configure({});
    await up();
    await keep("first", "one");

    assert.equal(await read("files/first"), "one");
    const [{ Encrypted, VolumeType, Size } = {}] = await volumes();
    assert.deepEqual([Encrypted, VolumeType, Size], [true, "gp3", 1]);
    const { options, owner } = Object(await read("mount"));
    assert.equal(owner, 1234);
    assert.ok(
      ["rw", "nosuid", "nodev"].every((one) => options.includes(one)),
      String(options),
    );
  });

  it("outlives a release", async () => {
    await configure({ mode: "b" });
    await up();

    assert.equal(await read("files/none"), "b nothing");
    assert.equal(await read("files/first"), "one");
  });

  it("outlives a reboot, and grows", async () => {
    await configure({ mode: "b", dataGib: 2 });
    await up();
    const { ec2 } = await home.clients();
    const [host = ""] = await hosts();
    const docker = await connectDocker();
    const boot = () => runInMachine(docker, host, "cut -d' ' -f22 /proc/1/stat");
    const earlier = await boot();
    await ec2.send(new RebootInstancesCommand({ InstanceIds: [host] }));
    await until(async () => (await boot().catch(() => earlier)) !== earlier);
    // Nobody closes the connection of a host that goes down.
    const isGrown = async () => Number(Object(await read("mount", 5_000))["mib"]) > 1500;
    await until(() => isGrown().catch(() => false));

    assert.equal(await read("files/first"), "one");
  });

  it("that is full keeps what it holds, is told by status, and a release comes all the same", async () => {
    const [host = ""] = await hosts();
    await runInMachine(
      await connectDocker(),
      host,
      "cat /dev/zero >/var/lib/berth-data/uploads/much || true",
    );
    const { status, text } = await put("late", "x".repeat(100_000));
    assert.deepEqual([status, text], [507, '"No space left on device"']);
    await configure({ mode: "c", dataGib: 2 });
    await up();
    assert.equal(await read("files/none"), "c nothing");
    const isTold = async () =>
      JSON.stringify((await stack.status()).events).includes("the data volume is full: less than 1 %");
    await until(isTold);

    await fetch(`${url}files/much`, { method: "DELETE" });
    await keep("late", "two");
    assert.deepEqual([await read("files/first"), await read("files/late")], ["one", "two"]);
  });

  it("moves to a new host, which the plan says", async () => {
    const [earlier, [volume]] = [await hosts(), await volumes()];
    await configure({ mode: "c", dataGib: 2, diskGib: 9 });
    const plan = await stack.plan();
    requireExit(plan, 2);
    assert.match(JSON.stringify(plan.events), /the app stops for about/);
    await up();

    const [there, [same]] = [await hosts(), await volumes()];
    assert.equal(there.length, 1);
    assert.notDeepEqual(there, earlier);
    assert.equal(same?.VolumeId, volume?.VolumeId);
    assert.equal(same?.Attachments?.[0]?.InstanceId, there[0]);
    assert.equal(await read("files/first"), "one");
  });

  it("is copied by a snapshot while the app goes on", async () => {
    const run = await stack.snapshot();
    requireExit(run, 0);
    const told = run.events.find(({ event }) => event === "snapshots");
    assert.deepEqual(
      Object(told)["snapshots"].map(({ id }: { id: string }) => id),
      await snapshots(),
    );
    await keep("second", "two");
  });

  it("isn't given up by a line that is missing, nor by --yes", async () => {
    await configure({ mode: "b", dataGib: 2, diskGib: 9, hasVolumes: false });
    for (const run of [await stack.plan(), await stack.up()]) {
      requireExit(run, 3);
      assert.equal(errorOf(run)?.["code"], "DataUndeclared");
    }
    const run = await stack.down();
    requireExit(run, 3);
    assert.equal(errorOf(run)?.["code"], "DataUndecided");
    assert.equal(await read("files/second"), "two");
  });

  it("is kept as a snapshot by down, which the receipt names", async () => {
    const [onRequest = ""] = await snapshots();
    const run = await stack.down({ words: ["--keep-data"] });
    requireExit(run, 0);
    assert.deepEqual(await volumes(), []);
    const both = await snapshots();
    assert.equal(both.length, 2);

    const folder = join(home.directory, "receipts");
    const [receipt = ""] = await readdir(folder);
    const { data, kept, left } = JSON.parse(await readFile(join(folder, receipt), "utf8"));
    assert.deepEqual([data, left], ["keep", []]);
    assert.deepEqual(kept.map(({ id }: { id: string }) => id).toSorted(), both.toSorted());
    assert.equal(kept[1].id, onRequest);
  });

  it("is offered by the next up, and comes back with all that was on it", async () => {
    await configure({ mode: "c", dataGib: 2 });
    const refused = await stack.up();
    requireExit(refused, 3);
    assert.equal(errorOf(refused)?.["code"], "DataOriginUndecided");
    await up("--restore-data", "latest");

    assert.deepEqual([await read("files/first"), await read("files/second")], ["one", "two"]);
  });

  it("goes with all of its snapshots when down is told so, and the embedded AWS ends", async () => {
    const run = await stack.down({ words: ["--delete-data"] });
    requireExit(run, 0);
    await until(async () => (await home.supervisor()) === undefined);
  });
});
