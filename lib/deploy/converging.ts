import { randomUUID } from "node:crypto";
import { Journal } from "../../state/journal.ts";
import { forgetRescued } from "../../state/rescue.ts";
import { explainAwsError } from "../aws/explanation.ts";
import { converge } from "../engine/converge.ts";
import type { Observations } from "../engine/read.ts";
import type { Session } from "../command/session.ts";
import type { Offers } from "../stack.ts";
import { isFull, planElsewhere } from "./full-zone.ts";
import { type Held, writeWithoutBucket } from "./lease.ts";
import type { Reading, Recorded } from "./reading.ts";

/** Converges the bucket before everything else: it holds state and lease, and without it no lease can be taken. */
export async function ensureStateBucket(session: Session, reading: Reading): Promise<void> {
  const { config, identify, report: progress, rescueFile } = session;
  if (config.state.backend !== "s3") return;
  const { bucket } = reading.parts;
  const steps = reading.plan.steps.filter(({ name }) => name === bucket.name);
  if (steps.length === 0) return;
  const unsaved = {
    location: "memory",
    load: () => Promise.resolve(undefined),
    save: () => Promise.resolve(""),
  };
  await converge({
    ctx: writeWithoutBucket(session),
    declarations: reading.declarations.filter(({ name }) => name === bucket.name),
    observations: reading.observations,
    inputs: reading.offers,
    plan: { steps, superseded: [] },
    journal: new Journal({
      store: unsaved,
      start: { document: { ...reading.document, superseded: [] } },
      writer: "bootstrap",
      rescueFile,
    }),
    identify,
    progress,
    explain: explainAwsError,
  });
}

export function openJournal({ state, rescueFile }: Session, { document, etag }: Recorded): Journal {
  const start = etag === undefined ? { document } : { document, etag };
  return new Journal({ store: state, start, writer: randomUUID(), rescueFile });
}

/**
 * Carries out the reading's plan. If the subnet's zone has no capacity for the first host, it goes on in another zone of the
 * region.
 */
export async function convergeStack(
  session: Session,
  reading: Reading,
  held: Held,
): Promise<Observations<Offers>> {
  let current = reading;
  for (const full = new Set<string>(); ;) {
    try {
      return await carryOut(session, current, held);
    } catch (error) {
      const next = isFull(error) ? await planElsewhere(session, { reading: current, held, full }) : undefined;
      if (next === undefined) throw error;
      current = next;
    }
  }
}

/** Carries out the plan. Before it launches a host, it records the machine image. */
async function carryOut(session: Session, reading: Reading, held: Held): Promise<Observations<Offers>> {
  const { identify, imagePin, report: progress, rescueFile } = session;
  const { declarations, observations, offers, parts, plan } = reading;
  const journal = openJournal(session, reading);
  const launched = plan.steps.some(({ name, action }) => name === parts.instance.name && action !== "update");
  if (launched) {
    const pin = { [imagePin]: offers.machineImage.imageId };
    journal.note((document) => ({ ...document, pins: { ...document.pins, ...pin } }));
  }
  // A merged document is saved before the file that it came from is removed.
  if (reading.wasKept === true) journal.note((document) => document);
  const seen = await converge({
    ctx: held.writeContext(journal),
    declarations,
    observations,
    inputs: offers,
    plan,
    journal,
    identify,
    progress,
    explain: explainAwsError,
  });
  await forgetRescued(rescueFile);
  return seen;
}
