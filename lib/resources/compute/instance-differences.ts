import { fieldDifference } from "../../contract/difference.ts";
import { summarizeUserData, type ObservedInstance } from "./observed-instance.ts";
import { cpuCredits, isBurstable, metadataOptions, osTag, type InstanceDesired } from "./instance-launch.ts";
import type { Difference } from "../../contract/resource.ts";

/** All differences except tags. Values that AWS doesn't show yet for a new instance don't count. */
export function instanceDifferences(desired: InstanceDesired, observed: ObservedInstance): Difference[] {
  return [
    ...fieldDifference("state", { desired: "running", observed: observed.state }),
    ...machineDifferences(desired, observed),
    ...diskDifferences(desired, observed),
    ...dataDifference(desired, observed),
    ...osDifference(desired, observed),
    ...imageDifference(desired, observed),
    ...fieldDifference("security-groups", {
      desired: desired.securityGroupId,
      observed: observed.securityGroupIds.join(", ") || undefined,
    }),
    ...fieldDifference("profile", { desired: desired.profileName, observed: shownProfile(observed) }),
    ...fieldDifference("metadata.tokens", {
      desired: metadataOptions.HttpTokens,
      observed: observed.metadata.tokens,
    }),
    ...fieldDifference("metadata.hop-limit", {
      desired: metadataOptions.HttpPutResponseHopLimit,
      observed: observed.metadata.hopLimit,
    }),
    ...fieldDifference("metadata.endpoint", {
      desired: metadataOptions.HttpEndpoint,
      observed: observed.metadata.endpoint,
    }),
    ...creditDifference(observed),
  ];
}

/** A host that boots is limited by the release that waits for it. It counts only if that didn't happen. */
function creditDifference({ type, cpuCredits: found, isBooting }: ObservedInstance): Difference[] {
  if (!isBurstable(type) || isBooting) return [];
  return fieldDifference("cpu-credits", { desired: cpuCredits.serving, observed: found });
}

function shownProfile({ profileName, deletedProfileId }: ObservedInstance): string | undefined {
  return deletedProfileId === undefined ? profileName : `${profileName} (${deletedProfileId}, deleted since)`;
}

function machineDifferences(desired: InstanceDesired, observed: ObservedInstance): Difference[] {
  return [
    ...fieldDifference("type", {
      desired: desired.type,
      observed: observed.type,
      replace: "another type may be another architecture, and would stop the host anyway",
    }),
    ...fieldDifference("subnet", {
      desired: desired.subnetId,
      observed: observed.subnetId,
      replace: "AWS can't move an instance to another subnet",
    }),
    ...fieldDifference("user-data", {
      desired: summarizeUserData(desired.userData),
      observed: summarizeUserData(observed.userData ?? desired.userData),
      replace: "user data is run at the first boot only",
    }),
  ];
}

function dataDifference({ dataVolumeId }: InstanceDesired, observed: ObservedInstance): Difference[] {
  if (dataVolumeId === undefined) return [];
  const isAttached = observed.attachedVolumeIds.includes(dataVolumeId);
  return fieldDifference("data-volume", {
    desired: dataVolumeId,
    observed: isAttached ? dataVolumeId : undefined,
  });
}

function diskDifferences(desired: InstanceDesired, { disk }: ObservedInstance): Difference[] {
  if (disk === undefined) return [];
  return [
    ...fieldDifference("disk.gib", {
      desired: desired.diskGib,
      observed: disk.gib,
      replace: "the disk is laid out at the first boot",
    }),
    ...fieldDifference("disk.encrypted", {
      desired: true,
      observed: disk.encrypted,
      replace: "AWS can't encrypt a disk in use",
    }),
    ...fieldDifference("disk.type", { desired: "gp3", observed: disk.type }),
  ];
}

/**
 * A newer image of the same operating system is a difference on request only: a host isn't replaced for each published image.
 * If the tag is missing, the operating system is still known if the image is the desired one.
 */
function osDifference(desired: InstanceDesired, observed: ObservedInstance): Difference[] {
  const found = observed.tags[osTag];
  if (found === undefined && observed.imageId === desired.imageId) {
    return fieldDifference(`tags.${osTag}`, { desired: desired.os, observed: found });
  }
  return fieldDifference("os", {
    desired: desired.os,
    observed: found,
    replace: "another operating system is another machine",
  });
}

function imageDifference({ imageId, upgradesOs = false }: InstanceDesired, observed: ObservedInstance) {
  if (!upgradesOs) return [];
  return fieldDifference("image", {
    desired: imageId,
    observed: observed.imageId,
    replace: "a host boots from its image once",
  });
}
