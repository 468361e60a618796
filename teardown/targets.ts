import { listAll, type Target } from "../lib/engine/destroy.ts";
import type { Wish } from "../lib/engine/wish.ts";
import { loadState } from "../state/rescue.ts";
import { belongingOf, identifier, type Recorded, rescueFileOf, stateStoreOf } from "../lib/reading.ts";
import type { Session } from "../lib/session.ts";

export interface Targets {
  readonly targets: readonly Target[];
  /** The state document, when there is one. */
  readonly reading: Recorded | undefined;
}

/** What is to go: all that carries the stack's tags, and what was recorded and is still there without them. */
export async function findTargets(session: Session, wishes: readonly Wish[]): Promise<Targets> {
  const { ctx, config } = session;
  const [listed, loaded] = await Promise.all([
    listAll(wishes, ctx, config.stack),
    loadState({
      store: stateStoreOf(session),
      belonging: belongingOf(session),
      rescueFile: rescueFileOf(session),
    }),
  ]);
  if (loaded === undefined) return { targets: listed, reading: undefined };
  const { document } = loaded;
  const recorded = [
    ...Object.entries(document.resources).map(([name, entry]) => ({ ...entry, name })),
    ...document.superseded,
  ];
  const unlisted = recorded.filter(({ id }) => id !== undefined && listed.every((one) => one.id !== id));
  const found = await Promise.all(
    unlisted.map(async ({ name, kind, generation, id }) => {
      const wish = wishes.find((one) => one.kind === kind);
      const observed = await wish?.find(ctx, identifier(session)(name, generation, document), id);
      return observed === undefined ? [] : [{ name, kind, generation, id: observed.facts.id }];
    }),
  );
  return { targets: [...listed, ...found.flat()], reading: loaded };
}

export function targetsText(targets: readonly Target[]): string {
  const rows = targets.map(
    ({ name, kind, id }) => `  - ${name.padEnd(18)} ${kind === name ? id : `${kind} ${id}`}`,
  );
  return [...rows, `${targets.length} to remove`].join("\n");
}
