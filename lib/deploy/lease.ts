import type { Journal } from "../../state/journal.ts";
import type { LeaseRecord } from "../../state/lease/record.ts";
import { type Lease, leaseKey, takeLease } from "../../state/lease/lease.ts";
import { explainAwsError } from "../aws/explanation.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { toWriteContext, type WriteContext } from "../contract/resource.ts";
import type { Session } from "../command/session.ts";

/** The lease, as long as it is held, and what it allows. */
export interface Held {
  readonly lease: Lease;
  /** Each write first makes sure that the lease is still held, and that what `journal` notes can be saved. */
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
    // What failed is what the user has to know; a lease that can't be given back expires.
    await held.lease.release().catch(() => undefined);
    throw error;
  });
  await giveBack(session, held.lease);
  return result;
}

/** The caller gives it back. */
export async function takeStackLease(session: Session, operation: string, waitMs: number): Promise<Held> {
  const { report, signal, store } = session;
  const who = ({ holder, host, operation: theirs }: LeaseRecord) => `${holder}@${host} ("${theirs}")`;
  const lease = await takeLease(store, {
    operation,
    ttlMs: leaseLifeMs(),
    waitMs,
    signal,
    onTakeover: (from, ageMs) =>
      report.message(`took over the lease of ${who(from)}: no heartbeat for ${Math.round(ageMs / 1000)} s`),
    onWait: (holder) => report.message(`waiting for ${who(holder)} to finish`),
  });
  return {
    lease,
    writeContext: (journal) =>
      openWriting(session, async () => {
        journal?.assertHealthy();
        await lease.assertHeld();
      }),
  };
}

/**
 * The one way to write without a lease: where the bucket that would hold it isn't there, nobody can take one. `up` makes the
 * bucket this way, whose name makes that safe; `down` takes away what is left of a stack that has lost it.
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

/** All that was asked for is done by now. A lease that stays behind is no failure of it: it expires, and whoever comes next is told. */
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

/** BERTH_LEASE_SECONDS shortens it where a lease that a killed run left is waited for often, as in tests. */
function leaseLifeMs(): number {
  const asked = process.env["BERTH_LEASE_SECONDS"] ?? "30";
  if (/^[1-9]\d{0,3}$/.test(asked)) return Number(asked) * 1000;
  throw new BerthError({
    code: "BadArguments",
    message: `BERTH_LEASE_SECONDS takes whole seconds from 1 to 9999, not "${asked}"`,
    exitCode: exitCodes.badInput,
  });
}
