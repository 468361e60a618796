import type { Journal } from "../../state/journal.ts";
import type { LeaseRecord } from "../../state/lease/record.ts";
import { type Lease, leaseKey, takeLease } from "../../state/lease/lease.ts";
import { explainAwsError } from "../aws/explanation.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { toWriteContext, type WriteContext } from "../contract/resource.ts";
import type { Session } from "../command/session.ts";

/** A held lease, and the write access that comes with it. */
export interface Held {
  readonly lease: Lease;
  /** Whether a run before this one ended without giving the lease back. */
  readonly isTakenOver: boolean;
  /** Before each write it checks that the lease is still held and that the journal can still be saved. */
  readonly writeContext: (journal?: Journal) => WriteContext;
}

/** Holds the lease while `work` runs. */
export async function withLease<T>(
  session: Session,
  operation: string,
  work: (held: Held) => Promise<T>,
): Promise<T> {
  const held = await takeStackLease(session, operation, session.flags.waitMs);
  const result = await work(held).catch(async (error: unknown) => {
    // The user needs to see the first failure. A lease that can't be released expires.
    await held.lease.release().catch(() => undefined);
    throw error;
  });
  await giveBack(session, held.lease);
  return result;
}

/** Takes the stack's lease. The caller must release it. */
export async function takeStackLease(session: Session, operation: string, waitMs: number): Promise<Held> {
  const { report, signal, store } = session;
  const who = ({ holder, host, operation: theirs }: LeaseRecord) => `${holder}@${host} ("${theirs}")`;
  let isTakenOver = false;
  const lease = await takeLease(store, {
    operation,
    ttlMs: leaseLifeMs(),
    waitMs,
    signal,
    onTakeover: (from, ageMs) => {
      isTakenOver = true;
      report.message(`took over the lease of ${who(from)}: no heartbeat for ${Math.round(ageMs / 1000)} s`);
    },
    onWait: (holder) => report.message(`waiting for ${who(holder)} to finish`),
  });
  return {
    lease,
    isTakenOver,
    writeContext: (journal) =>
      openWriting(session, async () => {
        journal?.assertHealthy();
        await lease.assertHeld();
      }),
  };
}

/**
 * The one way to write without a lease. If the bucket for the lease doesn't exist, nobody can take a lease. `up` creates the
 * bucket this way, which is safe because only one bucket can have its name; `down` removes what is left of a stack that has
 * lost its bucket; `secret set` writes a value before there is a bucket.
 */
export function writeWithoutBucket(session: Session): WriteContext {
  return openWriting(session, undefined);
}

function openWriting(
  { ctx, openClients }: Session,
  beforeWrite: (() => Promise<void>) | undefined,
): WriteContext {
  return toWriteContext(ctx, openClients(beforeWrite));
}

/** Releases the lease after the work is done. A failed release is only a warning, because the lease expires by itself. */
async function giveBack({ report, store }: Session, lease: Lease): Promise<void> {
  try {
    await lease.release();
  } catch (error) {
    const shown = explainAwsError(error, leaseKey);
    const reason = shown instanceof Error ? shown.message : String(shown);
    const seconds = Math.ceil(lease.leftMs / 1000);
    report.message(
      `warning: all is done, but the lease ${store.location}/${leaseKey} could not be given back (${reason}). It expires by itself in ${seconds} s; until then other runs find it held`,
    );
  }
}

/** BERTH_LEASE_SECONDS shortens the lease for tests, which often wait for a killed run's lease to expire. */
function leaseLifeMs(): number {
  const asked = process.env["BERTH_LEASE_SECONDS"] ?? "30";
  if (/^[1-9]\d{0,3}$/.test(asked)) return Number(asked) * 1000;
  throw new BerthError({
    code: "BadArguments",
    message: `BERTH_LEASE_SECONDS takes whole seconds from 1 to 9999, not "${asked}"`,
    exitCode: exitCodes.badInput,
  });
}
