import {
  ModifyInstanceAttributeCommand,
  ModifyInstanceCreditSpecificationCommand,
  ModifyInstanceMetadataOptionsCommand,
  ModifyVolumeCommand,
  StartInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { poll, type Look } from "../aws/poll.ts";
import { ownershipFilters } from "../aws/tags.ts";
import { BerthError } from "../errors.ts";
import { onceVisible } from "./creation.ts";
import { concerns, fieldDifference } from "./difference.ts";
import {
  describeInstances,
  readInstance,
  readInstances,
  summarizeUserData,
  type InstanceFacts,
  type InstanceSummary,
} from "./instance-facts.ts";
import {
  cpuCredits,
  isBurstable,
  launch,
  metadataOptions,
  osTag,
  setProfile,
  type InstanceDesired,
} from "./instance-launch.ts";
import { findOwned, identityDifferences, repairTags, toListed } from "./ownership.ts";
import { removeUntilGone } from "./removal.ts";
import type { Change, Difference, Resource, ResourceContext } from "./resource.ts";

export type { InstanceDesired, InstanceFacts };

const kind = "instance";
const stateTimeoutMs = 5 * 60_000;
// From the order until the operating system has shut down.
const terminationTimeoutMs = 10 * 60_000;
const launchAttempts = 5;

/** The host. Made by one boot: what can't be changed on a running one takes a new one. */
export const instance: Resource<InstanceDesired, InstanceFacts> = {
  kind,

  find: (ctx, identity, known) =>
    findOwned(identity, known, {
      kind,
      byId: (id) => readInstance(ctx, id),
      byTags: (filters) => readInstances(ctx, filters),
    }),

  async create(ctx, identity, desired) {
    for (let attempt = 0; ; attempt++) {
      const id = await launch(ctx, { identity, desired }, attempt);
      const seen = await untilSettled(ctx, id);
      if (seen.state === "running") return id;
      // An earlier order's instance, which somebody has terminated since: AWS answers with it for as long as it remembers the token.
      const isEarlier = seen.stateReason.startsWith("Client.UserInitiatedShutdown");
      if (!isEarlier || attempt + 1 === launchAttempts) throw launchFailed(seen);
    }
  },

  differences: (identity, desired, facts) => [
    ...fieldDifference("state", { wanted: "running", found: facts.state }),
    ...machineDifferences(desired, facts),
    ...diskDifferences(desired, facts),
    ...osDifference(desired, facts),
    ...fieldDifference("security-groups", {
      wanted: desired.securityGroupId,
      found: facts.securityGroupIds.join(", ") || undefined,
    }),
    ...fieldDifference("profile", { wanted: desired.profileName, found: facts.profileName }),
    ...fieldDifference("metadata.tokens", {
      wanted: metadataOptions.HttpTokens,
      found: facts.metadata.tokens,
    }),
    ...fieldDifference("metadata.hop-limit", {
      wanted: metadataOptions.HttpPutResponseHopLimit,
      found: facts.metadata.hopLimit,
    }),
    ...fieldDifference("metadata.endpoint", {
      wanted: metadataOptions.HttpEndpoint,
      found: facts.metadata.endpoint,
    }),
    ...(isBurstable(facts.type)
      ? fieldDifference("cpu-credits", { wanted: cpuCredits, found: facts.cpuCredits })
      : []),
    ...identityDifferences(identity, facts),
  ],

  async update(ctx, change) {
    const { identity, desired, facts, differences } = change;
    await updateSettings(ctx, change);
    if (concerns(differences, "profile")) await setProfile(ctx, facts.id, desired.profileName);
    const tags = { ...identity.tags, [osTag]: desired.os };
    await repairTags(ctx, { ...change, identity: { ...identity, tags } });
    if (concerns(differences, "state")) await start(ctx, facts.id);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `instance ${id}`,
      timeoutMs: terminationTimeoutMs,
      attempt: () => ctx.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })),
      listed: async () => isPresent(await getSummary(ctx, id)),
    });
  },

  /** One that is shutting down is listed: it holds its subnet and group until it is terminated. */
  async list(ctx, stack) {
    const found = await describeInstances(ctx, ownershipFilters({ stack }));
    return toListed(kind, found.filter(isPresent));
  },
};

function machineDifferences(desired: InstanceDesired, facts: InstanceFacts): Difference[] {
  return [
    ...fieldDifference("type", {
      wanted: desired.type,
      found: facts.type,
      replace: "another type may be another architecture, and would stop the host anyway",
    }),
    ...fieldDifference("subnet", {
      wanted: desired.subnetId,
      found: facts.subnetId,
      replace: "AWS can't move an instance to another subnet",
    }),
    ...fieldDifference("user-data", {
      wanted: summarizeUserData(desired.userData),
      found: summarizeUserData(facts.userData),
      replace: "user data is run at the first boot only",
    }),
  ];
}

function diskDifferences(desired: InstanceDesired, { disk }: InstanceFacts): Difference[] {
  if (disk === undefined) return [];
  return [
    ...fieldDifference("disk.gib", {
      wanted: desired.diskGib,
      found: disk.gib,
      replace: "the disk is laid out at the first boot",
    }),
    ...fieldDifference("disk.encrypted", {
      wanted: true,
      found: disk.encrypted,
      replace: "AWS can't encrypt a disk in use",
    }),
    ...fieldDifference("disk.type", { wanted: "gp3", found: disk.type }),
  ];
}

/**
 * A newer image of the same operating system is no difference: a host isn't replaced whenever one is published.
 * Without the tag, the image tells the system if it is the very one wanted.
 */
function osDifference(desired: InstanceDesired, facts: InstanceFacts): Difference[] {
  const found = facts.tags[osTag];
  if (found === undefined && facts.imageId === desired.imageId) {
    return fieldDifference(`tags.${osTag}`, { wanted: desired.os, found });
  }
  return fieldDifference("os", {
    wanted: desired.os,
    found,
    replace: "another operating system is another machine",
  });
}

async function updateSettings(
  ctx: ResourceContext,
  change: Change<InstanceDesired, InstanceFacts>,
): Promise<void> {
  const { desired, facts, differences } = change;
  const { ec2 } = ctx.clients;
  const InstanceId = facts.id;
  if (concerns(differences, "security-groups")) {
    const command = new ModifyInstanceAttributeCommand({ InstanceId, Groups: [desired.securityGroupId] });
    await onceVisible(ctx, `security group of ${facts.id}`, () => ec2.send(command));
  }
  if (concerns(differences, "metadata")) {
    await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId, ...metadataOptions }));
  }
  if (concerns(differences, "cpu-credits")) {
    const InstanceCreditSpecifications = [{ InstanceId, CpuCredits: cpuCredits }];
    await ec2.send(new ModifyInstanceCreditSpecificationCommand({ InstanceCreditSpecifications }));
  }
  if (concerns(differences, "disk.type") && facts.disk) {
    await ec2.send(new ModifyVolumeCommand({ VolumeId: facts.disk.id, VolumeType: "gp3" }));
  }
}

/** From any state that an instance can come back from. One that is stopping has to have stopped first. */
async function start(ctx: ResourceContext, id: string): Promise<void> {
  const look = async (): Promise<Look<string | undefined>> => {
    const seen = await getSummary(ctx, id);
    return seen?.state === "stopping" ? { waiting: `${id} is stopping` } : { done: seen?.state };
  };
  const state = await poll(ctx, { what: `instance ${id} to have stopped`, timeoutMs: stateTimeoutMs, look });
  if (state === "stopped") await ctx.clients.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  const seen = await untilSettled(ctx, id);
  if (seen.state !== "running") throw launchFailed(seen);
}

/** Until it runs or has ended. "stopped" is waited out too: right after a start, AWS may still show it. */
async function untilSettled(ctx: ResourceContext, id: string): Promise<InstanceSummary> {
  const look = async (): Promise<Look<InstanceSummary>> => {
    const seen = await getSummary(ctx, id);
    // Right after the launch some of EC2 doesn't know it yet.
    if (seen === undefined) return { waiting: `${id} isn't listed yet` };
    const settled = ["running", "shutting-down", "terminated"].includes(seen.state);
    return settled ? { done: seen } : { waiting: `${id} is ${seen.state}` };
  };
  return poll(ctx, { what: `instance ${id} to run`, timeoutMs: stateTimeoutMs, look });
}

function launchFailed(seen: InstanceSummary): BerthError {
  return new BerthError({
    code: "InstanceFailed",
    message: `Instance ${seen.id} is ${seen.state} instead of running: ${seen.stateReason || "AWS gives no reason"}`,
    hint: "Run the same command again; if it fails the same way, try another instance.type",
  });
}

async function getSummary(ctx: ResourceContext, id: string): Promise<InstanceSummary | undefined> {
  const [found] = await describeInstances(ctx, [{ Name: "instance-id", Values: [id] }]);
  return found;
}

const isPresent = (seen: InstanceSummary | undefined): boolean =>
  seen !== undefined && seen.state !== "terminated";
