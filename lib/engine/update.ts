import { isDeepStrictEqual } from "node:util";
import { BerthError } from "../errors.ts";
import { lookUntil } from "../poll.ts";
import type { Difference } from "../contract/resource.ts";
import { noteId } from "./intent.ts";
import { notVisible } from "./visibility.ts";
import type { Observed, Wish } from "./wish.ts";
import { identityOf, type Work } from "./work.ts";

const rounds = 5;
/** How long AWS may go on showing what was before an update, until the update is made once more: two minutes in all. */
const staleForMs = 24_000;

/** Updates until nothing differs, and returns it as it was last seen. */
export async function updateUntilEqual<Inputs>(
  wish: Wish<Inputs>,
  first: Observed<Inputs>,
  work: Work<Inputs>,
): Promise<Observed<Inputs>> {
  const { ctx, journal, world } = work;
  const { id } = first.facts;
  let observed: Observed<Inputs> | undefined = first;
  for (let round = 0; ; round += 1) {
    const left: Difference[] = observed?.differences(world) ?? [];
    if (observed !== undefined && left.length === 0) {
      noteId(journal, wish, observed.facts.id);
      return observed;
    }
    if (round === rounds)
      throw observed === undefined
        ? notVisible(wish, id)
        : notConverged(
            wish,
            id,
            left.map(({ field }) => field),
          );
    await observed?.update(ctx, world, left);
    observed = await lookUntilChanged(wish, { id, left }, work);
  }
}

interface Updated {
  readonly id: string;
  /** The differences that the update was for. */
  readonly left: readonly Difference[];
}

/**
 * What was last seen. AWS answers from many places, and some of them know of an update late: a look that shows what was there
 * before the update, or nothing at all, is no answer yet.
 */
async function lookUntilChanged<Inputs>(
  wish: Wish<Inputs>,
  { id, left }: Updated,
  work: Work<Inputs>,
): Promise<Observed<Inputs> | undefined> {
  const { ctx, world } = work;
  let last: Observed<Inputs> | undefined;
  const look = async () => {
    last = await wish.find(ctx, identityOf(wish, work), id);
    if (last === undefined) return { waiting: `${id} is not visible` };
    const isStale = left.length > 0 && isDeepStrictEqual(last.differences(world), left);
    return isStale ? { waiting: `${id} does not show the change yet` } : { done: last };
  };
  await lookUntil(ctx, { what: `${wish.kind} ${id} to show a change`, timeoutMs: staleForMs, look });
  return last;
}

function notConverged(
  { name, kind }: Pick<Wish, "name" | "kind">,
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
