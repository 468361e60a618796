import { fieldDifference } from "../../contract/difference.ts";
import { summarizeUserData, type InstanceFacts } from "./instance-facts.ts";
import { cpuCredits, isBurstable, metadataOptions, osTag, type InstanceDesired } from "./instance-launch.ts";
import type { Difference } from "../../contract/resource.ts";

/** All but tags. What AWS doesn't tell yet of an instance made a moment ago is no difference. */
export function instanceDifferences(desired: InstanceDesired, facts: InstanceFacts): Difference[] {
  return [
    ...fieldDifference("state", { wanted: "running", found: facts.state }),
    ...machineDifferences(desired, facts),
    ...diskDifferences(desired, facts),
    ...osDifference(desired, facts),
    ...fieldDifference("security-groups", {
      wanted: desired.securityGroupId,
      found: facts.securityGroupIds.join(", ") || undefined,
    }),
    ...fieldDifference("profile", { wanted: desired.profileName, found: shownProfile(facts) }),
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
  ];
}

function shownProfile({ profileName, deletedProfileId }: InstanceFacts): string | undefined {
  return deletedProfileId === undefined ? profileName : `${profileName} (${deletedProfileId}, deleted since)`;
}

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
      found: summarizeUserData(facts.userData ?? desired.userData),
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
