import { randomUUID } from "node:crypto";
import { Journal } from "../state/journal.ts";
import { forgetRescued } from "../state/rescue.ts";
import type { LeaseRecord } from "../state/lease-record.ts";
import { type Lease, leaseKey, takeLease } from "../state/lease.ts";
import { explainAwsError } from "./aws/explanation.ts";
import { ensureBuilt } from "./docker/build.ts";
import { connectEngine } from "./docker/engine.ts";
import { converge } from "./engine/converge.ts";
import { isWithin, type Plan } from "./engine/plan.ts";
import type { Observations } from "./engine/read.ts";
import type { Offers } from "./stack.ts";
import { BerthError, exitCodes } from "./errors.ts";
import { identifier, imagePin, type Reading, type Recorded, rescueFileOf, stateStoreOf } from "./reading.ts";
import { ask } from "./report/terminal.ts";
import type { Session } from "./session.ts";

/** Asks on the terminal; the answer must be `expected`. With --yes nothing is asked. */
export async function confirm(session: Session, question: string, expected: string): Promise<void> {
  if (session.flags.yes) return;
  if (!process.stdin.isTTY || session.flags.json) {
    throw new BerthError({
      code: "NeedsConfirmation",
      message: "there is nobody to ask: standard input is no terminal, or --json was given",
      hint: "look at the plan, then run the same command with --yes",
      exitCode: exitCodes.badInput,
    });
  }
  const answer = await ask(question, session.signal);
  if (answer.trim().toLowerCase() === expected) return;
  throw new BerthError({
    code: "Declined",
    message: `the answer was not "${expected}"; nothing was changed`,
  });
}

/** Builds the app's image if it isn't in the registry yet. Nothing in AWS is touched: a build that fails changes nothing. */
export async function buildApp({ report, signal }: Session, { plan, source }: Reading): Promise<void> {
  if (!plan.steps.some(({ name }) => name === "image")) return;
  const onProgress = report.begin("build", "build");
  try {
    const { imageId } = await ensureBuilt({ docker: await connectEngine(), source, signal, onProgress });
    report.end("build", "build", imageId.slice(0, 19));
  } catch (error) {
    report.fail("build", "build");
    throw error;
  }
}

/** The bucket that holds state and lease has to be there before a lease can be taken; its name makes that safe. */
export async function ensureStateBucket(session: Session, reading: Reading): Promise<void> {
  if (session.config.state.backend !== "s3") return;
  const steps = reading.plan.steps.filter(({ name }) => name === "bucket");
  if (steps.length === 0) return;
  const unsaved = {
    location: "memory",
    load: () => Promise.resolve(undefined),
    save: () => Promise.resolve(""),
  };
  await converge({
    ctx: session.ctx,
    wishes: reading.wishes.filter(({ name }) => name === "bucket"),
    found: reading.found,
    inputs: reading.offers,
    plan: { steps, leftovers: [] },
    journal: new Journal({
      store: unsaved,
      start: { document: { ...reading.document, superseded: [] } },
      writer: "bootstrap",
      rescueFile: rescueFileOf(session),
    }),
    identify: identifier(session),
    progress: session.report,
    explain: explainAwsError,
  });
}

/** Holds the lease while `work` runs; every write to AWS first makes sure that it is still held. */
export async function withLease<T>(
  session: Session,
  operation: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await takeStackLease(session, operation, session.flags.waitMs);
  const result = await work(lease).catch(async (error: unknown) => {
    // What failed is what the user has to know; a lease that can't be given back expires.
    await lease.release().catch(() => undefined);
    throw error;
  });
  await giveBack(session, lease);
  return result;
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

/** The caller gives it back. Every write to AWS from here on first makes sure that it is still held. */
export async function takeStackLease(session: Session, operation: string, waitMs: number): Promise<Lease> {
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
  session.fence(() => lease.assertHeld());
  return lease;
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

/** A journal whose failures stop the next write to AWS. */
export function openJournal(session: Session, { document, etag }: Recorded, lease: Lease): Journal {
  const journal = new Journal({
    store: stateStoreOf(session),
    start: etag === undefined ? { document } : { document, etag },
    writer: randomUUID(),
    rescueFile: rescueFileOf(session),
  });
  session.fence(async () => {
    journal.assertHealthy();
    await lease.assertHeld();
  });
  return journal;
}

/** Does what the reading's plan says, after noting which machine image it starts from. */
export async function convergeStack(
  session: Session,
  reading: Reading,
  lease: Lease,
): Promise<Observations<Offers>> {
  const { wishes, found, offers, plan } = reading;
  const journal = openJournal(session, reading, lease);
  const launched = plan.steps.some(({ name, action }) => name === "instance" && action !== "update");
  if (launched) {
    const pin = { [imagePin(session)]: offers.machineImage.imageId };
    journal.note((document) => ({ ...document, pins: { ...document.pins, ...pin } }));
  }
  // Whatever was merged is saved before the file that it came from is removed.
  if (reading.wasKept === true) journal.note((document) => document);
  const { ctx, report: progress } = session;
  const seen = await converge({
    ctx,
    wishes,
    found,
    inputs: offers,
    plan,
    journal,
    identify: identifier(session),
    progress,
    explain: explainAwsError,
  });
  await forgetRescued(rescueFileOf(session));
  return seen;
}

/** Between showing and doing the world may have changed; only what was shown is done. */
export function requireWithin(session: Session, shown: Plan, plan: Plan): void {
  if (isWithin(shown, plan)) return;
  session.report.plan(plan, false);
  if (session.flags.yes) return;
  throw new BerthError({
    code: "PlanChanged",
    message: "what has to be done is no longer what was shown; nothing was changed",
    hint: "the new plan is above; run the same command again to go on with it",
  });
}
