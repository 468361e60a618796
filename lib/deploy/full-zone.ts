import { differences } from "../engine/plan.ts";
import { observedOf } from "../engine/read.ts";
import { BerthError } from "../errors.ts";
import type { Session } from "../command/session.ts";
import type { Held } from "./lease.ts";
import { readStack, type Reading } from "./reading.ts";

/** Whether a run ended because a zone has no capacity for the host. */
export const isFull = (error: unknown): boolean =>
  error instanceof BerthError && error.code === "NoCapacity" && error.resource === "instance";

interface Ended {
  readonly reading: Reading;
  readonly held: Held;
  /** The zones that had no capacity. This one is added. */
  readonly full: Set<string>;
}

/**
 * Removes the subnet in a full zone, and plans the rest in another zone. Undefined if there is no other zone, or if a host or a
 * data volume is bound to this one.
 */
export async function planElsewhere(
  session: Session,
  { reading, held, full }: Ended,
): Promise<Reading | undefined> {
  const { instance, dataVolume } = reading.parts;
  const isBound = dataVolume !== undefined || observedOf(instance, reading.observations) !== undefined;
  if (isBound) return undefined;
  const ended = await readStack(session);
  const { subnet } = ended.parts;
  const observed = observedOf(subnet, ended.observations);
  if (observed === undefined) return undefined;
  full.add(observed.zone);
  const zones = ended.offers.zones.filter((zone) => !full.has(zone));
  if (zones.length === 0) return undefined;
  const { type } = session.config.instance;
  session.report.message(`${observed.zone} has no ${type} left; trying ${zones[0]}`);
  const declared = ended.declarations.find(({ name }) => name === subnet.name);
  await declared?.remove(held.writeContext(), observed.id);
  const fresh = await readStack(session);
  const offers = { ...fresh.offers, zones };
  const { declarations, observations, document } = fresh;
  return { ...fresh, offers, plan: differences({ declarations, observations, document, inputs: offers }) };
}
