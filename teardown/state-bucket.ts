import { BerthError, exitCodes } from "../lib/errors.ts";
import { type Held, takeStackLease } from "../lib/deploy/lease.ts";
import { removeBucket } from "../lib/resources/storage/bucket.ts";
import { deleteForGood, emptyBucket } from "../lib/resources/storage/bucket-contents.ts";
import type { WriteContext } from "../lib/contract/resource.ts";
import type { Session } from "../lib/command/session.ts";
import { leaseKey } from "../state/lease/lease.ts";
import { stateKey } from "../state/store.ts";

/**
 * Removes the bucket that contains the lease. The lease is the last object to be deleted, directly before the bucket. If
 * another run takes the lease in between, its new object keeps AWS from deleting the bucket.
 *
 * @throws BerthError `LeaseHeld` if another run holds the lease; `MadeAnew` if another run has begun to create the stack again.
 */
export async function removeStateBucket(
  session: Session,
  first: Held,
  { ctx, id }: { readonly ctx: WriteContext; readonly id: string },
): Promise<void> {
  let held: Held | undefined = first;
  try {
    await removeBucket(ctx, id, async () => {
      held ??= await takeAgain(session);
      const own = { ...held.writeContext(), note: ctx.note };
      await emptyBucket(own, id, { keep: leaseKey });
      const etag = await held.lease.abandon();
      held = undefined;
      await deleteForGood(own, id, { key: leaseKey, etag });
    });
  } catch (error) {
    await held?.lease.release().catch(() => undefined);
    throw error;
  }
}

/** Takes the lease again after AWS refused to delete the bucket because it isn't empty. Nothing is deleted without the lease. */
async function takeAgain(session: Session): Promise<Held> {
  const { config, report, store } = session;
  report.message(`all else of ${config.stack} is gone, but its bucket was written to meanwhile`);
  const held = await takeStackLease(session, "down", 0);
  try {
    // The state document was deleted under the first lease. A run that creates anything writes a new one first.
    if ((await store.get(stateKey)) !== undefined) throw madeAnew(config.stack);
    return held;
  } catch (error) {
    await held.lease.release().catch(() => undefined);
    throw error;
  }
}

function madeAnew(stack: string): BerthError {
  return new BerthError({
    code: "MadeAnew",
    message: `another run has begun to make ${stack} anew since all of it was removed; what that one made stays`,
    hint: "look at what is there (status); run down again if that is to go too",
    exitCode: exitCodes.leaseHeld,
  });
}
