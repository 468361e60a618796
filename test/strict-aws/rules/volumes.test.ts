import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  RunInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { openTwoRoutes, outcome } from "../account.ts";
import { launchOrder } from "../network.ts";

const { strict } = await openTwoRoutes({ volumeStates: { polls: 2 }, instanceStates: { polls: 1 } });
const { ec2 } = strict;

async function launch() {
  const { Instances = [] } = await ec2.send(new RunInstancesCommand(await launchOrder(strict)));
  const [{ InstanceId = "", Placement } = {}] = Instances;
  await stateOf(InstanceId);
  return { id: InstanceId, zone: Placement?.AvailabilityZone };
}

async function stateOf(id: string): Promise<string | undefined> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations[0]?.Instances?.[0]?.State?.Name;
}

async function makeVolume(zone: string | undefined): Promise<string> {
  const { VolumeId = "" } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1 }));
  return VolumeId;
}

/** Its state and that of its attachment, as three reads in a row show them. */
async function looks(VolumeId: string): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < 3) {
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    seen.push([Volumes[0]?.State, Volumes[0]?.Attachments?.[0]?.State].filter(Boolean).join(" "));
  }
  return seen;
}

const attach = (VolumeId: string, InstanceId: string) =>
  outcome(ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: "/dev/sdf" })));

describe("a volume", () => {
  it("is attached after some reads, and to one instance at a time", async () => {
    const [one, other] = [await launch(), await launch()];
    const volume = await makeVolume(one.zone);

    assert.equal(await attach(volume, one.id), "ok");
    assert.equal(await attach(volume, other.id), "VolumeInUse");
    assert.deepEqual(await looks(volume), ["in-use attaching", "in-use attaching", "in-use attached"]);
    assert.equal(await attach(volume, other.id), "VolumeInUse");
    assert.equal(await outcome(ec2.send(new DeleteVolumeCommand({ VolumeId: volume }))), "VolumeInUse");
  });

  it("is detached after some reads from an instance that is stopped, and from no other", async () => {
    const { id, zone } = await launch();
    const [volume, mounted] = [await makeVolume(zone), await makeVolume(zone)];
    for (const one of [volume, mounted]) {
      await attach(one, id);
      await looks(one);
    }
    await ec2.send(new DetachVolumeCommand({ VolumeId: mounted, InstanceId: id }));
    assert.deepEqual(await looks(mounted), ["in-use busy", "in-use busy", "in-use busy"]);

    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
    assert.equal(await stateOf(id), "stopping");
    assert.equal(await stateOf(id), "stopped");
    await ec2.send(new DetachVolumeCommand({ VolumeId: volume, InstanceId: id }));
    assert.equal(await attach(volume, id), "VolumeInUse");
    assert.equal(await outcome(ec2.send(new DeleteVolumeCommand({ VolumeId: volume }))), "VolumeInUse");
    assert.deepEqual(await looks(volume), ["in-use detaching", "in-use detaching", "available"]);
  });

  it("isn't attached to an instance that is on its way", async () => {
    const { Instances = [] } = await ec2.send(new RunInstancesCommand(await launchOrder(strict)));
    const [{ InstanceId = "", Placement } = {}] = Instances;
    const volume = await makeVolume(Placement?.AvailabilityZone);

    assert.equal(await attach(volume, InstanceId), "IncorrectState");
  });

  it("has a snapshot that is complete after some reads", async () => {
    const volume = await makeVolume((await launch()).zone);
    const { SnapshotId = "" } = await ec2.send(new CreateSnapshotCommand({ VolumeId: volume }));
    const states: unknown[] = [];
    while (states.length < 3) {
      const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
      states.push(Snapshots?.[0]?.State);
    }

    assert.deepEqual(states, ["pending", "pending", "completed"]);
  });
});
