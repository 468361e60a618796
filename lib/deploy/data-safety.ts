import type { Session } from "../command/session.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { listDataVolumes, type ObservedDataVolume } from "../resources/storage/data-volume.ts";
import type { Reading } from "./reading.ts";
import { invocation } from "../invocation.ts";

/**
 * Stops a plan or a run that would leave data behind, shrink it, or need it in a place where it isn't. Before anything is
 * changed.
 *
 * @throws BerthError `DataUndeclared`, `DataAmbiguous`, `DataShrinks`, `DataInOtherZone`.
 */
export async function requireSafeData(session: Session, reading: Reading): Promise<void> {
  const { dataVolume: volume, undeclaredVolumes, zonesOfType } = reading;
  if (undeclaredVolumes[0] !== undefined) throw undeclared(session, undeclaredVolumes[0]);
  await requireOneVolume(session, reading);
  if (volume === undefined) return;
  const { dataGib, type } = session.config.instance;
  if (dataGib < volume.gib) throw shrinks(volume.id, volume.gib, dataGib);
  if (!zonesOfType.includes(volume.zone)) throw otherZone(volume.id, volume.zone, type);
}

/** Of two data volumes, tags alone don't say which has the data. Other resources of an earlier generation are removed. */
async function requireOneVolume({ ctx, config }: Session, { plan }: Reading): Promise<void> {
  if (plan.superseded.every(({ kind }) => kind !== "data-volume")) return;
  const there = await listDataVolumes(ctx, config.stack);
  if (there.length < 2) return;
  throw new BerthError({
    code: "DataAmbiguous",
    message: `${there.length} data volumes have the tags of ${config.stack}: ${there.map(({ id }) => id).join(", ")}; nothing was changed`,
    hint: "find out which one has the data, and remove the tag berth:stack from each other one; Berth then leaves those alone",
    resource: "data-volume",
    exitCode: exitCodes.badInput,
  });
}

/** Data that the configuration no longer names. Nobody deletes it by leaving a line out. */
function undeclared({ config }: Session, volume: ObservedDataVolume): BerthError {
  return new BerthError({
    code: "DataUndeclared",
    message: `${config.file} has no app.volumes, but data volume ${volume.id} (${volume.gib} GiB) of ${config.stack} is there; nothing was changed`,
    hint: `put app.volumes back to keep the data in use; to go on without it: ${invocation("down", "--keep-data")} (a snapshot stays) or --delete-data, then ${invocation("up")}`,
    resource: "data-volume",
    exitCode: exitCodes.badInput,
  });
}

function shrinks(id: string, observed: number, desired: number): BerthError {
  return new BerthError({
    code: "DataShrinks",
    message: `data volume ${id} has ${observed} GiB, and a volume can't become smaller; instance.dataGib is ${desired}`,
    hint: `set instance.dataGib to ${observed} or more`,
    resource: "data-volume",
    exitCode: exitCodes.badInput,
  });
}

function otherZone(id: string, zone: string, type: string): BerthError {
  return new BerthError({
    code: "DataInOtherZone",
    message: `${type} isn't offered in ${zone}, and data volume ${id} is there: a volume can't leave its Availability Zone`,
    hint: `choose an instance.type that ${zone} offers; or move the data: ${invocation("down", "--keep-data")}, then ${invocation("up", "--restore-data latest")}`,
    resource: "data-volume",
    exitCode: exitCodes.badInput,
  });
}
