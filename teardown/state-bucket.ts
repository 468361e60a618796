import { BerthError, exitCodes } from "../lib/errors.ts";
import { type Held, takeStackLease } from "../lib/deploy/lease.ts";
import { removeBucket } from "../lib/resources/storage/bucket.ts";
import { deleteForGood, emptyBucket } from "../lib/resources/storage/bucket-contents.ts";
import type { WriteContext } from "../lib/contract/resource.ts";
import type { Session } from "../lib/command/session.ts";
import { leaseKey } from "../state/lease/lease.ts";
import { stateKey } from "../state/store.ts";

/**
 * Removes the bucket that the lease lives in. The lease goes last of all that is in it, and directly before it: whoever
 * takes it in between keeps AWS from deleting the bucket, and keeps the bucket.
 *
 * @throws BerthError `LeaseHeld` when somebody took it; `MadeAnew` when somebody has used it since.
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

/** AWS found something in the bucket after all. Nothing of it is deleted without the lease. */
async function takeAgain(session: Session): Promise<Held> {
  const { config, report, store } = session;
  report.message(`all else of ${config.stack} is gone, but its bucket was written to meanwhile`);
  const held = await takeStackLease(session, "down", 0);
  try {
    // Deleted under the first lease; a run that makes anything writes it before all else.
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
