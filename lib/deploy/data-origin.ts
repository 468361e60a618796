import type { Session } from "../command/session.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { type DataSnapshot, listDataSnapshots, snapshotText } from "../resources/storage/data-snapshot.ts";
import type { Reading } from "./reading.ts";
import { askForOne, isInteractive } from "./confirmation.ts";
import { invocation } from "../invocation.ts";

/**
 * Decides what a new data volume starts with: undefined for nothing, or the id of a snapshot. If there is earlier data, the
 * user decides: by --restore-data or --new-data, or on the terminal.
 *
 * @throws BerthError `DataOriginUndecided`, `NoSuchSnapshot`.
 */
export async function chooseDataOrigin(session: Session, reading: Reading): Promise<string | undefined> {
  const { parts, plan, document } = reading;
  const name = parts.dataVolume?.name ?? "";
  if (!plan.steps.some((step) => step.name === name && step.action === "create")) return undefined;
  const { flags, ctx, config } = session;
  if (flags.newData) return undefined;
  const all = await listDataSnapshots(ctx, config.stack);
  const snapshots = all.filter(({ state }) => state === "completed");
  const asked = flags.restoreData;
  if (asked !== undefined) return fitting(session, choose(session, snapshots, asked)).id;
  const lost = document.resources[name]?.id;
  const [newest] = snapshots;
  if (lost === undefined && newest === undefined) return undefined;
  if (newest === undefined || !isInteractive(session)) throw undecided(config.stack, lost, snapshots);
  session.report.message(snapshots.map(snapshotLine));
  const question = `Restore the newest (${newest.id})? Type restore, or new for an empty volume:`;
  const answer = await askForOne(session, question, ["restore", "new"]);
  return answer === "restore" ? fitting(session, newest).id : undefined;
}

const snapshotLine = (snapshot: DataSnapshot): string => `  ${snapshotText(snapshot)}`;

function choose({ config }: Session, snapshots: readonly DataSnapshot[], asked: string): DataSnapshot {
  const found = asked === "latest" ? snapshots[0] : snapshots.find(({ id }) => id === asked);
  if (found !== undefined) return found;
  throw new BerthError({
    code: "NoSuchSnapshot",
    message: `${config.stack} has no complete snapshot ${asked === "latest" ? "at all" : asked}; nothing was changed`,
    detail: snapshots.map(snapshotLine),
    hint: "name one of the snapshots above with --restore-data, or begin with an empty volume: --new-data",
    exitCode: exitCodes.badInput,
  });
}

function fitting({ config }: Session, snapshot: DataSnapshot): DataSnapshot {
  const { dataGib } = config.instance;
  if (snapshot.gib <= dataGib) return snapshot;
  throw new BerthError({
    code: "DataShrinks",
    message: `snapshot ${snapshot.id} is of ${snapshot.gib} GiB, and a volume can't become smaller; instance.dataGib is ${dataGib}`,
    hint: `set instance.dataGib to ${snapshot.gib} or more`,
    resource: "data-volume",
    exitCode: exitCodes.badInput,
  });
}

function undecided(stack: string, lost: string | undefined, snapshots: readonly DataSnapshot[]): BerthError {
  const gone = lost === undefined ? "" : `data volume ${lost} is gone. `;
  const kept = snapshots.length === 0 ? "There is no snapshot of the data" : "There is earlier data";
  return new BerthError({
    code: "DataOriginUndecided",
    message: `${gone}${kept} of ${stack}; nothing was changed`,
    detail: snapshots.map(snapshotLine),
    hint:
      snapshots.length === 0
        ? `look for the volume in the EC2 console; to begin with an empty one: ${invocation("up", "--new-data")}`
        : `${invocation("up", "--restore-data latest")} (or a snapshot's id), or --new-data to begin with an empty volume`,
    exitCode: exitCodes.badInput,
  });
}
