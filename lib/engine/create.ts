import { BerthError, LostReply, MadeInVain } from "../errors.ts";
import { lookUntil } from "../poll.ts";
import type { Identity } from "../contract/resource.ts";
import { noteId } from "./intent.ts";
import { findPatiently } from "./read.ts";
import { findMade, notVisible } from "./visibility.ts";
import type { Observation, Declaration } from "./declaration.ts";
import { identityOf, type Work } from "./work.ts";

const visibleWithinMs = 2 * 60_000;
const defaultPatienceMs = 15_000;

/** Creates the resource, notes its id, and returns it as AWS shows it. */
export async function createAndFind<Inputs>(
  declaration: Declaration<Inputs>,
  work: Work<Inputs>,
): Promise<Observation<Inputs>> {
  const { ctx, journal } = work;
  const identity = identityOf(declaration, work);
  const id = await createOnce(declaration, work, identity);
  noteId(journal, declaration, id);
  let foreign: BerthError | undefined;
  const look = async () => {
    const seen = await findMade(() => declaration.find(ctx, identity, id));
    foreign = seen instanceof BerthError ? seen : undefined;
    if (seen === undefined || seen instanceof BerthError) return { waiting: `${id} is not visible yet` };
    return { done: seen };
  };
  const what = `${declaration.kind} ${id} to be visible`;
  const last = await lookUntil(ctx, { what, timeoutMs: visibleWithinMs, look });
  if ("done" in last) return last.done;
  throw foreign ?? notVisible(declaration, id);
}

const creates = 6;

/** After a lost reply, looks for the resource by its tags before it creates again. AWS may show tags late, so it looks for a while. */
async function createOnce<Inputs>(
  declaration: Declaration<Inputs>,
  work: Work<Inputs>,
  identity: Identity,
): Promise<string> {
  const { ctx, journal, world, patienceMs = defaultPatienceMs } = work;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await declaration.create(ctx, identity, world);
    } catch (error) {
      if (error instanceof MadeInVain) noteId(journal, declaration, error.id);
      if (!(error instanceof LostReply)) throw error;
      const what = `a ${declaration.kind} that AWS may have created: its reply got lost`;
      const made = await findPatiently(ctx, {
        what,
        patienceMs,
        find: () => declaration.find(ctx, identity),
      });
      if (made !== undefined) return made.observed.id;
      if (attempt === creates) throw error.reason;
    }
  }
}
