import {
  AttachVolumeCommand,
  CreateTagsCommand,
  DetachVolumeCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { isDependencyViolation, isNotYetVisible } from "../../aws/errors.ts";
import { BerthError } from "../../errors.ts";
import { isOwnedBy } from "../../owner.ts";
import { poll, type Look } from "../../poll.ts";
import { finalTag, readSoundVolume, type ObservedDataVolume } from "../storage/data-volume.ts";
import { describeInstances } from "./observed-instance.ts";
import type { WriteContext } from "../../contract/resource.ts";

/** On Nitro types the host finds the volume by its serial number, whatever this says; on older ones it is /dev/xvdf. */
const device = "/dev/sdf";
// A host that shuts down stops its containers first. EC2 switches it off after some minutes.
const moveTimeoutMs = 10 * 60_000;

interface Attach {
  readonly stack: string;
  readonly volumeId: string;
  readonly instanceId: string;
}

/**
 * Attaches the volume to the instance, from wherever it is now. A former host of the stack is stopped first: so its app has
 * ended and everything is written before the volume leaves it. Every look starts from what AWS says, so the move may be
 * interrupted and repeated at any point.
 *
 * @throws BerthError `VolumeElsewhere` if an instance that isn't the stack's holds the volume; `VolumeFailed`; `TimedOut`.
 */
export async function attachData(ctx: WriteContext, attach: Attach): Promise<void> {
  const { volumeId, instanceId } = attach;
  const look = async (): Promise<Look<true>> => {
    const volume = await readSoundVolume(ctx, volumeId);
    if (volume === undefined) return { waiting: `${volumeId} isn't listed yet` };
    const [attachment] = volume.attachments;
    if (attachment === undefined) return attachFree(ctx, attach, volume);
    const isHere = attachment.instanceId === instanceId;
    if (isHere && attachment.state === "attached") return { done: true };
    if (isHere || attachment.state === "detaching") return { waiting: `${volumeId} is ${attachment.state}` };
    return takeFrom(ctx, attach, attachment.instanceId);
  };
  await poll(ctx, { what: `${volumeId} to be attached to ${instanceId}`, timeoutMs: moveTimeoutMs, look });
}

async function attachFree(
  ctx: WriteContext,
  { volumeId, instanceId }: Attach,
  volume: ObservedDataVolume,
): Promise<Look<true>> {
  const { ec2 } = ctx.clients;
  if (volume.state !== "available") return { waiting: `${volumeId} is ${volume.state}` };
  if (volume.tags[finalTag]) {
    // From now on its content may change, so a snapshot that an interrupted teardown took is no longer the final one.
    await ec2.send(new CreateTagsCommand({ Resources: [volumeId], Tags: [{ Key: finalTag, Value: "" }] }));
  }
  const command = new AttachVolumeCommand({ VolumeId: volumeId, InstanceId: instanceId, Device: device });
  return unlessBusy(ec2.send(command), `${volumeId} is being attached`);
}

async function takeFrom(
  ctx: WriteContext,
  { stack, volumeId }: Attach,
  holderId: string,
): Promise<Look<true>> {
  const { ec2 } = ctx.clients;
  const [holder] = await describeInstances(ctx, [{ Name: "instance-id", Values: [holderId] }]);
  if (holder?.id !== holderId)
    return { waiting: `${volumeId} is attached to ${holderId}, which isn't listed` };
  if (!isOwnedBy(stack, holder.tags)) throw elsewhere(volumeId, holderId);
  if (holder.state === "pending" || holder.state === "running") {
    const stop = ec2.send(new StopInstancesCommand({ InstanceIds: [holderId] }));
    return unlessBusy(stop, `the app stops: ${holderId} gives ${volumeId} up`);
  }
  // A terminated instance loses its volumes by itself.
  if (holder.state !== "stopped") return { waiting: `${holderId} is ${holder.state}` };
  const detach = new DetachVolumeCommand({ VolumeId: volumeId, InstanceId: holderId });
  return unlessBusy(ec2.send(detach), `${volumeId} is being detached from ${holderId}`);
}

/** After a call, the next look tells what came of it. So does a refusal because something is in transition. */
async function unlessBusy(call: Promise<unknown>, waiting: string): Promise<Look<true>> {
  try {
    await call;
  } catch (error) {
    if (!isDependencyViolation(error) && !isNotYetVisible(error)) throw error;
  }
  return { waiting };
}

function elsewhere(volumeId: string, holderId: string): BerthError {
  return new BerthError({
    code: "VolumeElsewhere",
    message: `data volume ${volumeId} is attached to ${holderId}, which isn't this stack's`,
    hint: `detach it there, if nobody needs it: aws ec2 detach-volume --volume-id ${volumeId}`,
    resource: "instance",
  });
}
