import { askForOne, isInteractive } from "../lib/deploy/confirmation.ts";
import type { Named } from "../lib/engine/owned.ts";
import { BerthError, exitCodes } from "../lib/errors.ts";
import type { WriteContext } from "../lib/contract/resource.ts";
import {
  type DataSnapshot,
  listDataSnapshots,
  removeSnapshot,
  snapshotText,
  takeFinalSnapshot,
} from "../lib/resources/storage/data-snapshot.ts";
import { readDataVolume } from "../lib/resources/storage/data-volume.ts";
import type { Session } from "../lib/command/session.ts";
import type { StackDeclaration } from "../lib/stack.ts";
import { invocation } from "../lib/invocation.ts";

/** What becomes of the data: a final snapshot stays, or nothing does. `none` if there is no data volume. */
export type DataFate = "keep" | "delete" | "none";

const isData = ({ kind }: Pick<Named, "kind">): boolean => kind === "data-volume";

/**
 * Asks the user, unless the command line has said it.
 *
 * @throws BerthError `DataUndecided` if nobody can be asked; `Declined`.
 */
export async function decideFate(session: Session, targets: readonly Named[]): Promise<DataFate> {
  const { flags } = session;
  if (flags.deleteData) return "delete";
  const volumes = targets.filter(isData);
  if (volumes.length === 0) return "none";
  if (flags.keepData) return "keep";
  const ids = volumes.map(({ id }) => id).join(", ");
  if (!isInteractive(session)) throw undecided(session.config.stack, ids);
  const question = `What becomes of the data on ${ids}? Type keep (as a snapshot) or delete:`;
  return askForOne(session, question, ["keep", "delete"]);
}

function undecided(stack: string, ids: string): BerthError {
  return new BerthError({
    code: "DataUndecided",
    message: `${stack} has data on ${ids}, and it isn't said what becomes of it; nothing was removed`,
    hint: `${invocation("down", "--keep-data")} (a final snapshot stays, and up can restore it) or --delete-data`,
    exitCode: exitCodes.badInput,
  });
}

/** The same declarations; the data volume is removed only as it was decided, and kept as a snapshot first. */
export function withFate(
  declarations: readonly StackDeclaration[],
  { config }: Session,
  fate: DataFate,
): StackDeclaration[] {
  const { stack, tags: userTags } = config;
  return declarations.map((declaration) => {
    if (!isData(declaration)) return declaration;
    const remove: StackDeclaration["remove"] = async (ctx, id) => {
      if (fate === "none") throw appeared(stack, id);
      const isThere = (await readDataVolume(ctx, id)) !== undefined;
      if (fate === "keep" && isThere) await takeFinalSnapshot(ctx, { stack, volumeId: id, userTags });
      await declaration.remove(ctx, id);
    };
    return { ...declaration, remove };
  });
}

/** The volume wasn't there when the user was asked. */
function appeared(stack: string, id: string): BerthError {
  return new BerthError({
    code: "DataUndecided",
    message: `data volume ${id} of ${stack} has come up meanwhile, and it isn't said what becomes of it; it is left as it is`,
    hint: "run down again with --keep-data or --delete-data",
  });
}

/** Shows the snapshots that earlier commands have kept, before somebody agrees to delete them. Returns how many there are. */
export async function showDoomed({ config, ctx, report }: Session): Promise<number> {
  const snapshots = await listDataSnapshots(ctx, config.stack);
  if (snapshots.length === 0) return 0;
  const rows = snapshots.map((one) => `  - data-snapshot      ${snapshotText(one)}`);
  report.message([...rows, `${snapshots.length} of them to delete, with all that they hold`]);
  return snapshots.length;
}

/** Deletes the snapshots that earlier commands have kept. */
export async function removeKept({ config, ctx, report }: Session, write: WriteContext): Promise<void> {
  for (const { id } of await listDataSnapshots(ctx, config.stack)) {
    const note = report.begin("data-snapshot", "remove");
    await removeSnapshot({ ...write, note }, id);
    report.end("data-snapshot", "remove", id);
  }
}

export function keptOf({ id, volumeId, gib, at, state }: DataSnapshot) {
  return { id, volumeId, gib, at, state };
}
