import { unlessAbsent } from "../../../lib/aws/errors.ts";
import type { Identity, WriteContext } from "../../../lib/contract/resource.ts";
import { poll } from "../../../lib/poll.ts";
import { bucket } from "../../../lib/resources/storage/bucket.ts";
import { readBucket, type ObservedBucket } from "../../../lib/resources/storage/bucket-settings.ts";

/** The bucket's resource, whose creation ends when S3 shows all of the bucket. The engine waits for that otherwise. */
export const shownBucket: typeof bucket = {
  ...bucket,
  create: async (ctx, identity, desired) => {
    const id = await bucket.create(ctx, identity, desired);
    await untilShown(ctx, identity, id);
    return id;
  },
};

/** Waits until S3 shows a new bucket with its tags. */
export function untilShown(ctx: WriteContext, identity: Identity, id: string): Promise<ObservedBucket> {
  return poll(ctx, {
    what: `S3 to show all of ${id}`,
    timeoutMs: 60_000,
    look: async () => {
      const found = await unlessAbsent(readBucket(ctx, id));
      const isWhole = found !== undefined && Object.keys(identity.tags).every((key) => key in found.tags);
      return isWhole ? { done: found } : { waiting: `${id} isn't there yet` };
    },
  });
}
