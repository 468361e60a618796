import { createHash } from "node:crypto";
import {
  DescribeInstanceAttributeCommand,
  DescribeInstanceCreditSpecificationsCommand,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  type Filter,
  type Instance,
  type Volume,
} from "@aws-sdk/client-ec2";
import { unlessAbsent } from "../../aws/errors.ts";
import { fromTagList, ownershipFilters } from "../../aws/tags.ts";
import { isExactly, type Owner } from "../../owner.ts";
import { collect } from "../../toolkit/pages.ts";
import { requireId } from "../../toolkit/creation.ts";
import { findDeletedProfile } from "./profile-association.ts";
import type { Observed, ReadContext } from "../../contract/resource.ts";

/** What one DescribeInstances call returns. */
export interface InstanceSummary extends Observed {
  /** `pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`. */
  readonly state: string;
  /** Why the instance is in this state, in AWS's words: `Client.UserInitiatedShutdown: …`. */
  readonly stateReason: string;
  readonly imageId: string;
  readonly type: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly profileName: string | undefined;
  readonly publicIp: string | undefined;
  readonly privateIp: string | undefined;
  readonly rootDeviceName: string;
  /** Whether it was launched so recently that it may not serve yet. */
  readonly isBooting: boolean;
  readonly metadata: {
    readonly tokens: string | undefined;
    readonly hopLimit: number | undefined;
    readonly endpoint: string | undefined;
  };
}

/** Adds values that need further calls. If the id is known, they run in parallel with the first call. */
export interface ObservedInstance extends InstanceSummary {
  /** As text, not base64. Absent while not all of EC2 knows the instance. */
  readonly userData?: string;
  /** The root volume; absent until it is attached. */
  readonly disk?: {
    readonly id: string;
    readonly gib: number;
    readonly type: string;
    readonly encrypted: boolean;
  };
  /** The ids of all volumes that are attached and usable. */
  readonly attachedVolumeIds: readonly string[];
  readonly cpuCredits: string;
  /** See `findDeletedProfile`. */
  readonly deletedProfileId: string | undefined;
}

/** Longer than any boot, and than the difference between two clocks that AWS accepts. A restart counts as a launch. */
const bootMs = 15 * 60_000;

const livingStates = ["pending", "running", "stopping", "stopped"];
const living: Filter = { Name: "instance-state-name", Values: livingStates };
const isLiving = ({ state }: InstanceSummary): boolean => livingStates.includes(state);

/** The instance with this id, unless it is being terminated. One round trip. */
export async function readInstance(ctx: ReadContext, id: string): Promise<ObservedInstance[]> {
  const [found, details] = await Promise.all([
    describeInstances(ctx, [{ Name: "instance-id", Values: [id] }, living]),
    readDetails(ctx, id),
  ]);
  return found.filter((one) => one.id === id && isLiving(one)).map((one) => withDetails(one, details));
}

/** The instances with these ownership tags that aren't being terminated. Two round trips. */
export async function readInstances(ctx: ReadContext, owner: Owner): Promise<ObservedInstance[]> {
  const found = await describeInstances(ctx, [...ownershipFilters(owner), living]);
  const own = found.filter((one) => isExactly(owner, one.tags) && isLiving(one));
  return Promise.all(own.map(async (one) => withDetails(one, await readDetails(ctx, one.id))));
}

/** Instances in any state. Terminated ones are included as long as AWS lists them. */
export async function describeInstances(ctx: ReadContext, filters: Filter[]): Promise<InstanceSummary[]> {
  const pages = paginateDescribeInstances({ client: ctx.clients.ec2 }, { Filters: filters });
  return collect(pages, ({ Reservations = [] }) =>
    Reservations.flatMap((one) => one.Instances ?? []).map(parseInstance),
  );
}

/** A short text to show instead of the user data, which may contain secrets. */
export function summarizeUserData(text: string): string {
  return `${text.length} characters, sha256 ${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}

interface Details {
  readonly userData?: string;
  readonly volumes: readonly Volume[];
  readonly cpuCredits: string;
  readonly deletedProfileId: string | undefined;
}

async function readDetails(ctx: ReadContext, id: string): Promise<Details> {
  const { ec2 } = ctx.clients;
  const attribute = new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" });
  const attached = { Filters: [{ Name: "attachment.instance-id", Values: [id] }] };
  // Uses a filter, because AWS refuses the id of an instance whose type has no CPU credits.
  const credits = new DescribeInstanceCreditSpecificationsCommand({
    Filters: [{ Name: "instance-id", Values: [id] }],
  });
  const [data, disks, credit, deletedProfileId] = await Promise.all([
    unlessAbsent(ec2.send(attribute)),
    collect(paginateDescribeVolumes({ client: ec2 }, attached), ({ Volumes = [] }) => Volumes),
    ec2.send(credits),
    findDeletedProfile(ctx, id),
  ]);
  return {
    ...(data === undefined ? {} : { userData: decode(data.UserData?.Value) }),
    volumes: disks.filter((one) => one.Attachments?.some((at) => at.InstanceId === id)),
    cpuCredits:
      credit.InstanceCreditSpecifications?.find((one) => one.InstanceId === id)?.CpuCredits ?? "standard",
    deletedProfileId,
  };
}

const decode = (base64 = ""): string => Buffer.from(base64, "base64").toString("utf8");

function withDetails(summary: InstanceSummary, { volumes, ...details }: Details): ObservedInstance {
  const root = volumes.find((one) => one.Attachments?.some((at) => at.Device === summary.rootDeviceName));
  const attachedVolumeIds = volumes.flatMap(({ VolumeId, Attachments = [] }) =>
    VolumeId !== undefined &&
    Attachments.some((at) => at.InstanceId === summary.id && at.State === "attached")
      ? [VolumeId]
      : [],
  );
  const found = { ...summary, ...details, attachedVolumeIds };
  if (root?.VolumeId === undefined) return found;
  const { VolumeId: id, Size: gib = 0, VolumeType: type = "", Encrypted: encrypted = false } = root;
  return { ...found, disk: { id, gib, type, encrypted } };
}

/** The first network interface's security groups. The instance repeats them, but AWS may show a new instance without them. */
function groupsOf(raw: Instance): string[] {
  const first = raw.NetworkInterfaces?.find((one) => one.Attachment?.DeviceIndex === 0);
  const groups = raw.SecurityGroups?.length ? raw.SecurityGroups : first?.Groups;
  return (groups ?? []).flatMap((group) => group.GroupId ?? []);
}

function parseInstance(raw: Instance): InstanceSummary {
  const {
    HttpTokens: tokens,
    HttpPutResponseHopLimit: hopLimit,
    HttpEndpoint: endpoint,
  } = raw.MetadataOptions ?? {};
  return {
    id: requireId(raw.InstanceId, "DescribeInstances"),
    tags: fromTagList(raw.Tags),
    state: raw.State?.Name ?? "",
    stateReason: [raw.StateReason?.Code, raw.StateReason?.Message].filter(Boolean).join(": "),
    imageId: raw.ImageId ?? "",
    type: raw.InstanceType ?? "",
    subnetId: raw.SubnetId ?? "",
    securityGroupIds: groupsOf(raw).toSorted(),
    // arn:aws:iam::123456789012:instance-profile/path/name
    profileName: raw.IamInstanceProfile?.Arn?.split("/").at(-1),
    publicIp: raw.PublicIpAddress,
    privateIp: raw.PrivateIpAddress,
    rootDeviceName: raw.RootDeviceName ?? "",
    isBooting: Date.now() - (raw.LaunchTime?.getTime() ?? 0) < bootMs,
    metadata: { tokens, hopLimit, endpoint },
  };
}
