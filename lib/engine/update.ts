import { isDeepStrictEqual } from "node:util";
import { BerthError } from "../errors.ts";
import { lookUntil } from "../poll.ts";
import type { Difference } from "../contract/resource.ts";
import { noteId } from "./intent.ts";
import { findMade, notVisible } from "./visibility.ts";
import type { Observation, Declaration } from "./declaration.ts";
import { identityOf, type Work } from "./work.ts";

const rounds = 5;
/** How long AWS may show stale values after an update before the update is repeated. Five rounds make two minutes. */
const staleForMs = 24_000;

/** Updates the resource until nothing differs, and returns the last observation. */
export async function updateUntilEqual<Inputs>(
  declaration: Declaration<Inputs>,
  first: Observation<Inputs>,
  work: Work<Inputs>,
): Promise<Observation<Inputs>> {
  const { ctx, journal, world } = work;
  const { id } = first.observed;
  let observation: Observation<Inputs> | undefined = first;
  for (let round = 0; ; round += 1) {
    const left: Difference[] = observation?.differences(world) ?? [];
    if (observation !== undefined && left.length === 0) {
      noteId(journal, declaration, observation.observed.id);
      return observation;
    }
    if (round === rounds)
      throw observation === undefined
        ? notVisible(declaration, id)
        : notConverged(
            declaration,
            id,
            left.map(({ field }) => field),
          );
    await observation?.update(ctx, world, left);
    observation = await lookUntilChanged(declaration, { id, left }, work);
  }
}

interface Updated {
  readonly id: string;
  /** The differences that the update should have removed. */
  readonly left: readonly Difference[];
}

/**
 * Looks until an update shows, and returns the last observation. AWS is eventually consistent: a look that shows the values
 * from before the update, or nothing at all, doesn't count.
 */
async function lookUntilChanged<Inputs>(
  declaration: Declaration<Inputs>,
  { id, left }: Updated,
  work: Work<Inputs>,
): Promise<Observation<Inputs> | undefined> {
  const { ctx, world } = work;
  let last: Observation<Inputs> | BerthError | undefined;
  const look = async () => {
    last = await findMade(() => declaration.find(ctx, identityOf(declaration, work), id));
    if (last === undefined || last instanceof BerthError) return { waiting: `${id} is not visible` };
    const isStale = left.length > 0 && isDeepStrictEqual(last.differences(world), left);
    return isStale ? { waiting: `${id} does not show the change yet` } : { done: last };
  };
  await lookUntil(ctx, { what: `${declaration.kind} ${id} to show a change`, timeoutMs: staleForMs, look });
  if (last instanceof BerthError) throw last;
  return last;
}

function notConverged(
  { name, kind }: Pick<Declaration, "name" | "kind">,
  id: string,
  fields: readonly string[],
): BerthError {
  return new BerthError({
    code: "NotConverged",
    message: `${kind} ${id} still differs after ${rounds} attempts: ${fields.join(", ")}`,
    hint: "somebody or something changes it back; find out who, then run the same command again",
    resource: name,
  });
}
