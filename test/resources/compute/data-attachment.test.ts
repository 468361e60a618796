import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AttachVolumeCommand,
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { lookupMachineImage } from "../../../lib/aws/lookup.ts";
import { resourceTags, tagSpecifications } from "../../../lib/aws/tags.ts";
import { attachData } from "../../../lib/resources/compute/data-attachment.ts";
import { dataVolume, finalTag } from "../../../lib/resources/storage/data-volume.ts";
import { newIdentity, openAccount } from "../account.ts";
import { makeNetwork } from "../network/network.ts";

const account = await openAccount();
const { ctx, stranger } = account;
const { imageId: ImageId } = await lookupMachineImage(ctx, "debian-13", "x86_64");
const { subnetId: SubnetId } = await makeNetwork(account);
const one = { MinCount: 1, MaxCount: 1 } as const;

async function launch(stack: string): Promise<{ id: string; zone: string }> {
  const tags = resourceTags({ stack, name: "instance", generation: 1 });
  const TagSpecifications = tagSpecifications(tags, "instance");
  const order = { ...one, ImageId, InstanceType: "t3.micro", SubnetId, TagSpecifications } as const;
  const { Instances = [] } = await stranger.ec2.send(new RunInstancesCommand(order));
  return { id: Instances[0]?.InstanceId ?? "", zone: Instances[0]?.Placement?.AvailabilityZone ?? "" };
}

async function make() {
  const identity = newIdentity("data-volume");
  const { stack } = identity;
  const [old, fresh] = [await launch(stack), await launch(stack)];
  const volumeId = await dataVolume.create(ctx, identity, { gib: 1, zone: old.zone });
  return { stack, volumeId, old: old.id, fresh: fresh.id };
}

const holder = async (volumeId: string) => {
  const { Volumes = [] } = await stranger.ec2.send(new DescribeVolumesCommand({ VolumeIds: [volumeId] }));
  return Volumes[0]?.Attachments?.map(({ InstanceId, Device }) => `${InstanceId} ${Device}`);
};
const stateOf = async (id: string) => {
  const { Reservations = [] } = await stranger.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations[0]?.Instances?.[0]?.State?.Name;
};
const writesSince = (before: number) =>
  account.calls.slice(before).flatMap(({ kind, operation }) => (kind === "write" ? [operation] : []));

test("data: it is attached, and attached already is done without a write", async () => {
  const { stack, volumeId, old } = await make();
  await attachData(ctx, { stack, volumeId, instanceId: old });
  assert.deepEqual(await holder(volumeId), [`${old} /dev/sdf`]);
  const before = account.calls.length;
  await attachData(ctx, { stack, volumeId, instanceId: old });

  assert.deepEqual(writesSince(before), []);
});

test("data: a former host is stopped before the volume leaves it, and every call is made once", async () => {
  const { stack, volumeId, old, fresh } = await make();
  await attachData(ctx, { stack, volumeId, instanceId: old });
  const before = account.calls.length;
  await attachData(ctx, { stack, volumeId, instanceId: fresh });

  assert.deepEqual(writesSince(before), ["StopInstances", "DetachVolume", "AttachVolume"]);
  assert.deepEqual(await holder(volumeId), [`${fresh} /dev/sdf`]);
  assert.equal(await stateOf(old), "stopped");
});

test("data: an instance that is terminated gives it up by itself", async () => {
  const { stack, volumeId, old, fresh } = await make();
  await attachData(ctx, { stack, volumeId, instanceId: old });
  await stranger.ec2.send(new TerminateInstancesCommand({ InstanceIds: [old] }));
  const before = account.calls.length;
  await attachData(ctx, { stack, volumeId, instanceId: fresh });

  assert.deepEqual(writesSince(before), ["AttachVolume"]);
});

test("data: somebody else's instance is neither stopped nor robbed of it", async () => {
  const { stack, volumeId, fresh } = await make();
  const foreign = await launch("somebody-elses");
  await stranger.ec2.send(
    new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: foreign.id, Device: "/dev/sdg" }),
  );

  await assert.rejects(attachData(ctx, { stack, volumeId, instanceId: fresh }), { code: "VolumeElsewhere" });
  assert.deepEqual(await holder(volumeId), [`${foreign.id} /dev/sdg`]);
  assert.equal(await stateOf(foreign.id), "running");
});

test("data: what an interrupted teardown noted is taken back before the volume is in use again", async () => {
  const { stack, volumeId, old } = await make();
  const Tags = [{ Key: finalTag, Value: "an-order" }];
  await stranger.ec2.send(new CreateTagsCommand({ Resources: [volumeId], Tags }));
  const before = account.calls.length;
  await attachData(ctx, { stack, volumeId, instanceId: old });

  assert.deepEqual(writesSince(before), ["CreateTags", "AttachVolume"]);
});
