import { LostReply } from "../errors.ts";
import { lookUntil } from "../poll.ts";
import type { Identity } from "../contract/resource.ts";
import { noteId } from "./intent.ts";
import { findPatiently } from "./read.ts";
import { notVisible } from "./visibility.ts";
import type { Observed, Wish } from "./wish.ts";
import { identityOf, type Work } from "./work.ts";

const visibleWithinMs = 2 * 60_000;
const defaultPatienceMs = 15_000;

/** Creates it, notes its id, and returns it as AWS shows it. */
export async function createAndFind<Inputs>(
  wish: Wish<Inputs>,
  work: Work<Inputs>,
): Promise<Observed<Inputs>> {
  const { ctx, journal } = work;
  const identity = identityOf(wish, work);
  const id = await createOnce(wish, work, identity);
  noteId(journal, wish, id);
  const look = async () => {
    const observed = await wish.find(ctx, identity, id);
    return observed === undefined ? { waiting: `${id} is not visible yet` } : { done: observed };
  };
  const what = `${wish.kind} ${id} to be visible`;
  const last = await lookUntil(ctx, { what, timeoutMs: visibleWithinMs, look });
  if ("done" in last) return last.done;
  throw notVisible(wish, id);
}

const creates = 6;

/** Where it is unknown whether a create took effect, its tags tell; AWS may show them late, so the look is a patient one. */
async function createOnce<Inputs>(
  wish: Wish<Inputs>,
  work: Work<Inputs>,
  identity: Identity,
): Promise<string> {
  const { ctx, world, patienceMs = defaultPatienceMs } = work;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await wish.create(ctx, identity, world);
    } catch (error) {
      if (!(error instanceof LostReply)) throw error;
      const what = `a ${wish.kind} that AWS may have created: its reply got lost`;
      const made = await findPatiently(ctx, { what, patienceMs, find: () => wish.find(ctx, identity) });
      if (made !== undefined) return made.facts.id;
      if (attempt === creates) throw error.reason;
    }
  }
}
