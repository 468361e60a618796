import { findRecorded, listAll, type Named, type Owned } from "../lib/engine/owned.ts";
import type { StackDeclaration } from "../lib/stack.ts";
import { loadState } from "../state/rescue.ts";
import type { StateDocument } from "../state/document.ts";
import type { Recorded } from "../lib/deploy/reading.ts";
import type { Session } from "../lib/command/session.ts";

export interface Targets {
  readonly targets: readonly Owned[];
  /** The state document, if there is one. */
  readonly reading: Recorded | undefined;
}

/**
 * Finds what to remove: everything that carries the stack's tags. Recorded resources are looked up too, because AWS may show
 * tags late.
 *
 * @throws BerthError `ForeignResource` if a recorded resource doesn't belong to the stack.
 */
export async function findTargets(
  session: Session,
  declarations: readonly StackDeclaration[],
): Promise<Targets> {
  const { ctx, identify, scope } = session;
  const [listed, loaded] = await Promise.all([listAll(declarations, ctx, scope.stack), loadState(session)]);
  if (loaded === undefined) return { targets: listed, reading: undefined };
  const { document } = loaded;
  const unlisted = namedIn(document).filter(({ id }) => listed.every((one) => one.id !== id));
  const found = await findRecorded(unlisted, { ctx, declarations, document, identify });
  return { targets: [...listed, ...found], reading: loaded };
}

function namedIn({ resources, superseded }: StateDocument): Named[] {
  const current = Object.entries(resources).flatMap(([name, { id, ...entry }]) =>
    id === undefined ? [] : [{ ...entry, name, id }],
  );
  return [...current, ...superseded];
}

/** What a machine is told of a resource. */
export const namedOf = ({ name, kind, id, generation }: Named): Named => ({ name, kind, id, generation });

export function targetLines(targets: readonly Named[]): string[] {
  const rows = targets.map(
    ({ name, kind, id }) => `  - ${name.padEnd(18)} ${kind === name ? id : `${kind} ${id}`}`,
  );
  return [...rows, `${targets.length} to remove`];
}
