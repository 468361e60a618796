import { randomUUID } from "node:crypto";
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  paginateDescribeSnapshots,
  type Filter,
  type Snapshot,
} from "@aws-sdk/client-ec2";
import { fromTagList, ownershipFilters, resourceTags, tagSpecifications } from "../../aws/tags.ts";
import { BerthError, LostReply } from "../../errors.ts";
import { isOwnedBy, parseOwner, type Tags } from "../../owner.ts";
import { lookUntil, poll, type Look } from "../../poll.ts";
import { onceVisible, requireId } from "../../toolkit/creation.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { ReadContext, WriteContext } from "../../contract/resource.ts";
import { finalTag, readSoundVolume } from "./data-volume.ts";

/** A copy of a data volume as it was at one moment. It isn't part of the declared stack: it stays until somebody deletes it. */
export interface DataSnapshot {
  readonly id: string;
  readonly volumeId: string;
  /** The size of the volume. AWS stores and charges only what was ever written to it. */
  readonly gib: number;
  /** The moment whose content it holds, as ISO 8601 in UTC. */
  readonly at: string;
  /** `pending` while AWS copies, `completed`, or `error`. */
  readonly state: string;
  readonly tags: Tags;
}

const name = "data-snapshot";
/** Names one order of a snapshot: CreateSnapshot takes no client token, so after a lost reply it is found by this. */
const orderTag = "berth:snapshot";
const lostReplyPatienceMs = 15_000;
// The first snapshot of a large volume takes long.
const completionTimeoutMs = 3 * 60 * 60_000;

/** All snapshots with the stack's tag, newest first. */
export async function listDataSnapshots(ctx: ReadContext, stack: string): Promise<DataSnapshot[]> {
  const found = await describe(ctx, ownershipFilters({ stack }));
  return found
    .filter(({ tags }) => isOwnedBy(stack, tags) && parseOwner(tags)?.name === name)
    .toSorted((a, b) => b.at.localeCompare(a.at));
}

/** One snapshot in a list for people. */
export const snapshotText = ({ id, gib, at, volumeId }: DataSnapshot): string =>
  `${id}  ${gib} GiB of ${volumeId}, taken ${at}`;

interface Order {
  readonly stack: string;
  readonly volumeId: string;
  /** The user's tags from berth.yaml. */
  readonly userTags: Tags;
  /** See `orderTag`. */
  readonly order: string;
}

/** Orders a snapshot and returns its id. Its content is that of this moment, although AWS copies it afterwards. */
export function takeSnapshot(ctx: WriteContext, of: Omit<Order, "order">): Promise<string> {
  return createOnce(ctx, { ...of, order: randomUUID() });
}

/**
 * Takes the last snapshot of a volume that is to be deleted, and waits until AWS has copied all of it. The order is noted on
 * the volume first. So a teardown that was interrupted finds its snapshot, unless the volume has been in use since: then the
 * note is gone, and a new snapshot is taken.
 *
 * @throws BerthError `SnapshotFailed`, `VolumeFailed`, `TimedOut`.
 */
export async function takeFinalSnapshot(ctx: WriteContext, of: Omit<Order, "order">): Promise<string> {
  const volume = await awaitFree(ctx, of.volumeId);
  const noted = volume.tags[finalTag];
  const order = noted || randomUUID();
  if (!noted) {
    const Tags = [{ Key: finalTag, Value: order }];
    const command = new CreateTagsCommand({ Resources: [of.volumeId], Tags });
    await onceVisible(ctx, `tags of ${of.volumeId}`, () => ctx.clients.ec2.send(command));
  }
  const earlier = noted ? await findPatiently(ctx, { ...of, order }) : undefined;
  const id = earlier?.id ?? (await createOnce(ctx, { ...of, order }));
  await awaitCompletion(ctx, id);
  return id;
}

export async function removeSnapshot(ctx: WriteContext, id: string): Promise<void> {
  await removeUntilGone(ctx, {
    what: `snapshot ${id}`,
    attempt: () => ctx.clients.ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })),
    listed: async () => (await get(ctx, id)) !== undefined,
  });
}

async function createOnce(ctx: WriteContext, of: Order): Promise<string> {
  const { stack, volumeId, userTags, order } = of;
  const owner = { stack, name, generation: 1 };
  const tags = { ...resourceTags(owner, { Name: `${stack}/data`, ...userTags }), [orderTag]: order };
  const command = new CreateSnapshotCommand({
    VolumeId: volumeId,
    Description: `The data of ${stack}`,
    TagSpecifications: tagSpecifications(tags, "snapshot"),
  });
  try {
    const { SnapshotId } = await ctx.clients.ec2.send(command);
    return requireId(SnapshotId, "CreateSnapshot");
  } catch (error) {
    if (!(error instanceof LostReply)) throw error;
    const made = await findPatiently(ctx, of);
    if (made === undefined) throw error.reason;
    return made.id;
  }
}

/** AWS may show tags late. */
async function findPatiently(ctx: ReadContext, { stack, order }: Order): Promise<DataSnapshot | undefined> {
  const look = async (): Promise<Look<DataSnapshot>> => {
    const all = await listDataSnapshots(ctx, stack);
    const made = all.find(({ tags, state }) => tags[orderTag] === order && state !== "error");
    return made === undefined ? { waiting: "looking for a snapshot that was begun" } : { done: made };
  };
  const what = "a snapshot that AWS may have begun";
  const last = await lookUntil(ctx, { what, timeoutMs: lostReplyPatienceMs, look });
  return "done" in last ? last.done : undefined;
}

async function awaitFree(ctx: ReadContext, volumeId: string) {
  return poll(ctx, {
    what: `data volume ${volumeId} to be free`,
    timeoutMs: 10 * 60_000,
    look: async () => {
      const volume = await readSoundVolume(ctx, volumeId);
      if (volume === undefined) return { waiting: `${volumeId} isn't listed` };
      return volume.state === "available" ? { done: volume } : { waiting: `${volumeId} is ${volume.state}` };
    },
  });
}

async function awaitCompletion(ctx: ReadContext, id: string): Promise<void> {
  await poll(ctx, {
    what: `snapshot ${id} to be complete`,
    timeoutMs: completionTimeoutMs,
    look: async (): Promise<Look<true>> => {
      const seen = await get(ctx, id);
      if (seen?.state === "completed") return { done: true };
      if (seen?.state === "error") throw snapshotFailed(id);
      return { waiting: `AWS copies the data into ${id}` };
    },
  });
}

function snapshotFailed(id: string): BerthError {
  return new BerthError({
    code: "SnapshotFailed",
    message: `AWS could not complete snapshot ${id}; the volume is still there`,
    hint: "run the same command again: it takes another one",
    resource: "data-volume",
  });
}

async function get(ctx: ReadContext, id: string): Promise<DataSnapshot | undefined> {
  const found = await describe(ctx, [{ Name: "snapshot-id", Values: [id] }]);
  return found.find((one) => one.id === id);
}

async function describe(ctx: ReadContext, filters: Filter[]): Promise<DataSnapshot[]> {
  const query = { Filters: filters, OwnerIds: ["self"] };
  return collect(paginateDescribeSnapshots({ client: ctx.clients.ec2 }, query), ({ Snapshots = [] }) =>
    Snapshots.map(parseSnapshot),
  );
}

function parseSnapshot(raw: Snapshot): DataSnapshot {
  return {
    id: requireId(raw.SnapshotId, "DescribeSnapshots"),
    volumeId: raw.VolumeId ?? "",
    gib: raw.VolumeSize ?? 0,
    at: raw.StartTime?.toISOString() ?? "",
    state: raw.State ?? "",
    tags: fromTagList(raw.Tags),
  };
}
