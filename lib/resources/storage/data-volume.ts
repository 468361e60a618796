import {
  CreateVolumeCommand,
  DeleteVolumeCommand,
  ModifyVolumeCommand,
  paginateDescribeVolumes,
  type Filter,
  type Volume,
} from "@aws-sdk/client-ec2";
import { clientToken } from "../../aws/client-token.ts";
import { fromTagList, ownershipFilters, tagSpecifications } from "../../aws/tags.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import { BerthError } from "../../errors.ts";
import { parseOwner } from "../../owner.ts";
import { poll, type Look } from "../../poll.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { ec2Lookup } from "../../toolkit/ec2-lookup.ts";
import { identityDifferences, repairTags, toListed } from "../../toolkit/ownership.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { Change, Observed, Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export interface DataVolumeDesired {
  readonly gib: number;
  /** The Availability Zone of the host. Undefined as long as the host's subnet doesn't exist. */
  readonly zone: string | undefined;
  /** The snapshot whose content a new volume gets. A new volume without one is blank. */
  readonly snapshotId?: string | undefined;
}

export interface ObservedDataVolume extends Observed {
  readonly gib: number;
  readonly type: string;
  readonly zone: string;
  /** `creating`, `available`, `in-use` or `error`. */
  readonly state: string;
  readonly attachments: readonly Attachment[];
}

interface Attachment {
  readonly instanceId: string;
  /** `attaching`, `attached`, `detaching` or `busy`. */
  readonly state: string;
}

const kind = "data-volume";
/**
 * On a volume that a teardown keeps as a snapshot: the name of that order. Empty once the volume is in use again. See
 * `takeFinalSnapshot`.
 */
export const finalTag = "berth:final-snapshot";
const type = "gp3";
const modifiedTimeoutMs = 5 * 60_000;

/**
 * The disk of `app.volumes`. It outlives releases and hosts. The instance attaches it. It never has a difference that needs
 * a replacement, and nothing but a teardown that was told to do so removes it.
 */
export const dataVolume: Resource<DataVolumeDesired, ObservedDataVolume> = {
  kind,

  find: (...asked) => lookup.find(...asked),

  async create(ctx, identity, { gib, zone, snapshotId }) {
    const input = {
      AvailabilityZone: zone,
      Size: gib,
      VolumeType: type,
      Encrypted: true,
      ...(snapshotId === undefined ? {} : { SnapshotId: snapshotId }),
      TagSpecifications: tagSpecifications(identity.tags, "volume"),
    } as const;
    const command = new CreateVolumeCommand({ ...input, ClientToken: clientToken(identity, input) });
    const { VolumeId } = await ctx.clients.ec2.send(command);
    return requireId(VolumeId, "CreateVolume");
  },

  attributes: ({ gib, snapshotId, zone }) => [
    { field: "size", value: `${gib} GiB` },
    ...(zone === undefined ? [] : [{ field: "zone", value: zone }]),
    { field: "content", value: snapshotId ?? "none yet" },
  ],

  differences: (identity, desired, observed) => [
    ...fieldDifference("gib", { desired: desired.gib, observed: observed.gib }),
    ...fieldDifference("type", { desired: type, observed: observed.type }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { differences } = change;
    if (concerns(differences, "gib") || concerns(differences, "type")) await modify(ctx, change);
    await repairTags(ctx, change);
  },

  async remove(ctx, id) {
    await removeUntilGone(ctx, {
      what: `data volume ${id}`,
      attempt: () => ctx.clients.ec2.send(new DeleteVolumeCommand({ VolumeId: id })),
      listed: async () => (await lookup.get(ctx, id)) !== undefined,
      blockers: async () =>
        (await lookup.get(ctx, id))?.attachments.map(({ instanceId }) => `instance ${instanceId}`) ?? [],
    });
  },

  list: async (ctx, stack) => toListed(kind, stack, await listDataVolumes(ctx, stack)),
};

const lookup = ec2Lookup({ kind, idFilter: "volume-id", describe });

/** The volume with this id, whoever owns it. */
export const readDataVolume = (ctx: ReadContext, id: string): Promise<ObservedDataVolume | undefined> =>
  lookup.get(ctx, id);

/**
 * The same, for whoever waits to use it: a volume that AWS has given up doesn't become usable.
 *
 * @throws BerthError `VolumeFailed`.
 */
export async function readSoundVolume(ctx: ReadContext, id: string): Promise<ObservedDataVolume | undefined> {
  const volume = await readDataVolume(ctx, id);
  if (volume?.state !== "error") return volume;
  throw new BerthError({
    code: "VolumeFailed",
    message: `AWS says that data volume ${id} is in the state "error"`,
    hint: "look at the volume in the EC2 console; restore a snapshot if there is one (docs/volumes.md)",
    resource: kind,
  });
}

/** All data volumes with the stack's tag. A host's own disk bears that tag too, and the name of the host. */
export async function listDataVolumes(ctx: ReadContext, stack: string): Promise<ObservedDataVolume[]> {
  const found = await describe(ctx, ownershipFilters({ stack }));
  return found.filter(({ tags }) => {
    const owner = parseOwner(tags);
    return owner?.stack === stack && owner.name === kind;
  });
}

/** AWS takes one change at a time, and shows a new size some seconds later. The host then grows its file system by itself. */
async function modify(
  ctx: WriteContext,
  { desired, observed }: Change<DataVolumeDesired, ObservedDataVolume>,
): Promise<void> {
  const { id } = observed;
  const command = new ModifyVolumeCommand({ VolumeId: id, Size: desired.gib, VolumeType: type });
  await onceVisible(ctx, `size of ${id}`, () => ctx.clients.ec2.send(command));
  const look = async (): Promise<Look<true>> => {
    const seen = await readSoundVolume(ctx, id);
    const isDone = seen?.gib === desired.gib && seen.type === type;
    return isDone ? { done: true } : { waiting: `${id} does not show its new size yet` };
  };
  await poll(ctx, { what: `data volume ${id} to change`, timeoutMs: modifiedTimeoutMs, look });
}

const living = new Set(["creating", "available", "in-use", "error"]);

async function describe(ctx: ReadContext, filters: Filter[]): Promise<ObservedDataVolume[]> {
  const pages = paginateDescribeVolumes({ client: ctx.clients.ec2 }, { Filters: filters });
  const found = await collect(pages, ({ Volumes = [] }) => Volumes.map(parseVolume));
  return found.filter(({ state }) => living.has(state));
}

function parseVolume(raw: Volume): ObservedDataVolume {
  return {
    id: requireId(raw.VolumeId, "DescribeVolumes"),
    tags: fromTagList(raw.Tags),
    gib: raw.Size ?? 0,
    type: raw.VolumeType ?? "",
    zone: raw.AvailabilityZone ?? "",
    state: raw.State ?? "",
    attachments: (raw.Attachments ?? []).flatMap(({ InstanceId, State = "" }) =>
      InstanceId === undefined ? [] : [{ instanceId: InstanceId, state: State }],
    ),
  };
}
