import {
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  ModifyVolumeCommand,
  StartInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { poll, type Look } from "../../poll.ts";
import { ownershipFilters } from "../../aws/tags.ts";
import { MadeInVain } from "../../errors.ts";
import { onceVisible } from "../../toolkit/creation.ts";
import { concerns } from "../../contract/difference.ts";
import { limitCredits } from "./cpu-credits.ts";
import { instanceDifferences } from "./instance-differences.ts";
import {
  describeInstances,
  readInstance,
  readInstances,
  type ObservedInstance,
  type InstanceSummary,
} from "./observed-instance.ts";
import { attachData } from "./data-attachment.ts";
import { launch, metadataOptions, osTag, type InstanceDesired } from "./instance-launch.ts";
import { findOwned, identityDifferences, repairTags, toListed } from "../../toolkit/ownership.ts";
import { setProfile } from "./profile-association.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { Change, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export type { InstanceDesired, ObservedInstance };

const kind = "instance";
const stateTimeoutMs = 5 * 60_000;
// From the call until the operating system has shut down.
const terminationTimeoutMs = 10 * 60_000;
const launchAttempts = 5;

/** The host. It is set up by its first boot, so a change that a running instance can't take needs a new instance. */
export const instance: Resource<InstanceDesired, ObservedInstance> = {
  kind,

  find: (ctx, identity, known) =>
    findOwned(identity, known, {
      kind,
      byId: (id) => readInstance(ctx, id),
      byTags: () => readInstances(ctx, identity),
    }),

  async create(ctx, identity, desired) {
    for (let attempt = 0; ; attempt++) {
      const id = await launch(ctx, { identity, desired }, attempt);
      const seen = await untilSettled(ctx, id);
      if (seen.state === "running") return id;
      if (!isWorthAnother(seen) || attempt + 1 === launchAttempts) throw launchFailed(seen);
    }
  },

  attributes: ({ type, diskGib, os }) => [
    { field: "type", value: type },
    { field: "disk", value: `${diskGib} GiB` },
    { field: "os", value: os },
  ],

  differences: (identity, desired, observed) => [
    ...instanceDifferences(desired, observed),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { identity, desired, observed, differences } = change;
    await onceVisible(ctx, `settings of ${observed.id}`, () => updateSettings(ctx, change));
    if (concerns(differences, "profile")) await setProfile(ctx, observed.id, desired.profileName);
    const tags = { ...identity.tags, [osTag]: desired.os };
    await repairTags(ctx, { ...change, identity: { ...identity, tags } });
    if (concerns(differences, "state")) await start(ctx, observed.id);
    const { dataVolumeId: volumeId } = desired;
    if (volumeId !== undefined && concerns(differences, "data-volume")) {
      await attachData(ctx, { stack: identity.stack, volumeId, instanceId: observed.id });
    }
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `instance ${id}`,
      timeoutMs: terminationTimeoutMs,
      attempt: () => ctx.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })),
      listed: async () => isPresent(await getSummary(ctx, id)),
    });
  },

  /** Includes instances that are shutting down: they use their subnet and security group until they are terminated. */
  async list(ctx, stack) {
    const found = await describeInstances(ctx, ownershipFilters({ stack }));
    return toListed(kind, stack, found.filter(isPresent));
  },
};

/**
 * Whether another client token may help. AWS returns an instance as long as it remembers the token: also one that somebody
 * has terminated since, and one that AWS itself failed to start.
 */
function isWorthAnother({ stateReason }: InstanceSummary): boolean {
  if (stateReason.startsWith("Server.InsufficientInstanceCapacity")) return false;
  return /^(Client\.UserInitiatedShutdown|Server\.)/.test(stateReason);
}

async function updateSettings(
  ctx: WriteContext,
  change: Change<InstanceDesired, ObservedInstance>,
): Promise<void> {
  const { desired, observed, differences } = change;
  const { ec2 } = ctx.clients;
  const InstanceId = observed.id;
  if (concerns(differences, "security-groups")) {
    await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, Groups: [desired.securityGroupId] }));
  }
  if (concerns(differences, "metadata")) {
    await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, ...metadataOptions }));
  }
  if (concerns(differences, "cpu-credits")) {
    await limitCredits(ctx, [InstanceId]);
  }
  if (concerns(differences, "disk.type") && observed.disk) {
    await ec2.send(new ModifyVolumeCommand({ VolumeId: observed.disk.id, VolumeType: "gp3" }));
  }
}

/** Starts an instance from any state that it can return from. If it is stopping, waits until it has stopped. */
async function start(ctx: WriteContext, id: string): Promise<void> {
  const look = async (): Promise<Look<string | undefined>> => {
    const seen = await getSummary(ctx, id);
    return seen?.state === "stopping" ? { waiting: `${id} is stopping` } : { done: seen?.state };
  };
  const state = await poll(ctx, { what: `instance ${id} to have stopped`, timeoutMs: stateTimeoutMs, look });
  if (state === "stopped") await ctx.clients.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  const seen = await untilSettled(ctx, id);
  if (seen.state !== "running") throw launchFailed(seen);
}

/** Waits until the instance runs or is terminated. Also waits while it is "stopped", which AWS may show right after a start. */
async function untilSettled(ctx: ReadContext, id: string): Promise<InstanceSummary> {
  const look = async (): Promise<Look<InstanceSummary>> => {
    const seen = await getSummary(ctx, id);
    // Right after the launch, not all of EC2 knows the instance yet.
    if (seen === undefined) return { waiting: `${id} isn't listed yet` };
    const settled = ["running", "shutting-down", "terminated"].includes(seen.state);
    return settled ? { done: seen } : { waiting: `${id} is ${seen.state}` };
  };
  return poll(ctx, { what: `instance ${id} to run`, timeoutMs: stateTimeoutMs, look });
}

function launchFailed(seen: InstanceSummary): MadeInVain {
  const isFull = seen.stateReason.startsWith("Server.InsufficientInstanceCapacity");
  return new MadeInVain(seen.id, {
    ...(isFull ? { code: "NoCapacity" } : { code: "InstanceFailed" }),
    resource: kind,
    message: `instance ${seen.id} is ${seen.state} instead of running: ${seen.stateReason || "AWS gives no reason"}`,
    hint: "run the same command again; if it fails the same way, try another instance.type",
  });
}

async function getSummary(ctx: ReadContext, id: string): Promise<InstanceSummary | undefined> {
  const found = await describeInstances(ctx, [{ Name: "instance-id", Values: [id] }]);
  return found.find((one) => one.id === id);
}

const isPresent = (seen: InstanceSummary | undefined): boolean =>
  seen !== undefined && seen.state !== "terminated";
