import { RunInstancesCommand, type RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { clientToken } from "../../aws/client-token.ts";
import { isProfileNotYetVisible } from "../../aws/errors.ts";
import { isTypeName } from "../../aws/lookup.ts";
import { retry } from "../../poll.ts";
import { tagSpecifications } from "../../aws/tags.ts";
import { BerthError } from "../../errors.ts";
import { requireId } from "../../toolkit/creation.ts";
import { profileTimeoutMs } from "./profile-association.ts";
import type { Identity, WriteContext } from "../../contract/resource.ts";

export interface InstanceDesired {
  readonly imageId: string;
  /** Whether a host with another image of the same system is replaced. */
  readonly upgradesOs?: boolean;
  /** The image's root device: `/dev/xvda`. */
  readonly rootDeviceName: string;
  /** `debian-13`; recorded in the tag `berth:os`. */
  readonly os: string;
  readonly type: string;
  readonly subnetId: string;
  readonly securityGroupId: string;
  readonly profileName: string;
  /** As text, not base64; at most 16 KB. */
  readonly userData: string;
  readonly diskGib: number;
  /** The data volume to attach, in a stack that has one. */
  readonly dataVolumeId?: string | undefined;
}

export const osTag = "berth:os";

/** Every request to the metadata service needs a token, and containers can't reach the service. */
export const metadataOptions = {
  HttpTokens: "required",
  HttpPutResponseHopLimit: 1,
  HttpEndpoint: "enabled",
} as const;

/**
 * For burstable types. A new T3 or T4g has no credits, so a boot at its baseline would take many minutes. It starts
 * unlimited, which costs cents at most, and is limited as soon as it serves: from then on it can't run up costs.
 */
export const cpuCredits = { boot: "unlimited", serving: "standard" } as const;

export const isBurstable = (type: string): boolean => /^t\d/.test(type);

const userDataLimit = 16 * 1024;

/**
 * Launches the instance and returns its id. Repeating the call, from any process, returns the same instance. Another `attempt`
 * makes another client token and so another instance: AWS remembers tokens longer than instances.
 *
 * @throws BerthError `UserDataTooLarge`; `TimedOut` if the profile doesn't become usable.
 */
export async function launch(
  ctx: WriteContext,
  order: { readonly identity: Identity; readonly desired: InstanceDesired },
  attempt: number,
): Promise<string> {
  const input = describeOrder(order.identity, order.desired);
  const command = new RunInstancesCommand({
    ...input,
    ClientToken: clientToken(order.identity, input, attempt),
  });
  const { Instances = [] } = await retry(ctx, {
    what: `instance profile ${order.desired.profileName} to be usable by EC2`,
    timeoutMs: profileTimeoutMs,
    retryOn: isProfileNotYetVisible,
    attempt: () => ctx.clients.ec2.send(command),
  });
  return requireId(Instances[0]?.InstanceId, "RunInstances");
}

function describeOrder(identity: Identity, desired: InstanceDesired): RunInstancesCommandInput {
  const tags = { ...identity.tags, [osTag]: desired.os };
  return {
    MinCount: 1,
    MaxCount: 1,
    ImageId: desired.imageId,
    ...(isTypeName(desired.type) ? { InstanceType: desired.type } : {}),
    IamInstanceProfile: { Name: desired.profileName },
    UserData: encodeUserData(desired.userData),
    MetadataOptions: metadataOptions,
    ...(isBurstable(desired.type) ? { CreditSpecification: { CpuCredits: cpuCredits.boot } } : {}),
    // The host fetches packages before the Elastic IP is associated, so it starts with a public address of its own.
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: desired.subnetId,
        Groups: [desired.securityGroupId],
        AssociatePublicIpAddress: true,
        DeleteOnTermination: true,
      },
    ],
    BlockDeviceMappings: [
      {
        DeviceName: desired.rootDeviceName,
        Ebs: { VolumeSize: desired.diskGib, VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true },
      },
    ],
    TagSpecifications: tagSpecifications(tags, "instance", "volume", "network-interface"),
  };
}

function encodeUserData(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= userDataLimit) return bytes.toString("base64");
  throw new BerthError({
    code: "UserDataTooLarge",
    message: `the host's user data is ${bytes.length} bytes long; AWS takes ${userDataLimit}`,
    hint: "this is a mistake in Berth: please report it",
  });
}
