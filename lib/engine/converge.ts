import type { Journal } from "../../state/journal.ts";
import { isDeepStrictEqual } from "node:util";
import { BerthError, LostReply } from "../errors.ts";
import { lookUntil } from "../poll.ts";
import type { Difference, Identity, WriteContext } from "../resources/resource.ts";
import { runGraph } from "./graph.ts";
import { findRecorded } from "./owned.ts";
import type { Plan, Step } from "./plan.ts";
import { findPatiently, type Identify, type Observations } from "./read.ts";
import type { Observed, Wish, World } from "./wish.ts";

export interface ConvergeOptions<Inputs = unknown> {
  readonly ctx: WriteContext;
  readonly wishes: readonly Wish<Inputs>[];
  readonly found: Observations<Inputs>;
  /** What the stack is made from besides. */
  readonly inputs: Inputs;
  readonly plan: Plan;
  readonly journal: Journal;
  readonly identify: Identify;
  readonly progress: ConvergeProgress;
  /** How long to look for what a create may have made whose reply got lost. */
  readonly patienceMs?: number;
  /** Puts what a step failed with into the words of a user; `what` and `resource` are the step's name. */
  readonly explain?: (error: unknown, what: string, resource: string) => unknown;
}

/** Told what happens, as it happens; returns what tells the user what a step waits for. */
export interface ConvergeProgress {
  begin(name: string, action: string): (note: string) => void;
  end(name: string, action: string, id: string): void;
  fail(name: string, action: string): void;
}

const parallel = 8;
const visibleWithinMs = 2 * 60_000;
const defaultPatienceMs = 15_000;

/**
 * Makes every step of the plan true. One flow for every starting point: absent? create and note the id; then
 * differences, update, and look again until nothing is left. What was replaced is removed last, in reverse order.
 * Returns how everything was last seen.
 */
export async function converge<Inputs>(options: ConvergeOptions<Inputs>): Promise<Observations<Inputs>> {
  const { journal, plan, wishes, inputs } = options;
  const found = new Map(options.found);
  const steps = new Map(plan.steps.map((step) => [step.name, step]));
  noteIntent(options);
  await journal.flush();

  const needed = (name: string) => {
    const facts = found.get(name)?.facts;
    if (facts === undefined) throw new TypeError(`${name} isn't there yet`);
    return { id: facts.id, facts };
  };
  const work = { ...options, world: { needed, inputs } };
  try {
    await runGraph(
      wishes,
      async (wish) => {
        const step = steps.get(wish.name);
        const observed = found.get(wish.name);
        if (step !== undefined) found.set(wish.name, await perform(wish, step, work));
        else if (observed !== undefined) noteId(journal, wish, observed.facts.id);
      },
      { limit: parallel, signal: options.ctx.signal },
    );
    await removeSuperseded(options);
    return found;
  } finally {
    await journal.flush();
  }
}

/**
 * One save before the first create. What is created gets a generation of its own if another was known before: AWS may
 * show the old one for hours, and answers the old one's client token with the old one.
 */
function noteIntent<Inputs>({ journal, plan, found }: ConvergeOptions<Inputs>): void {
  const news = plan.steps.filter(({ action }) => action !== "update");
  if (news.length === 0) return;
  journal.note((document) => {
    const resources = { ...document.resources };
    const superseded = [...document.superseded];
    for (const { name, kind, action } of news) {
      const before = document.resources[name];
      const generation = before?.generation ?? 1;
      // What was found by its tags alone isn't in the document: that was lost, or a run was killed before it noted the id.
      const id = found.get(name)?.facts.id ?? before?.id;
      if (action === "replace" && id !== undefined) {
        superseded.push({ name, kind: before?.kind ?? kind, generation, id });
      }
      resources[name] = { kind, generation: id === undefined ? generation : generation + 1 };
    }
    return { ...document, resources, superseded };
  });
}

function noteId(journal: Journal, wish: Pick<Wish, "name" | "kind">, id: string): void {
  const before = journal.document.resources[wish.name];
  if (before?.id === id && before.kind === wish.kind) return;
  journal.note((document) => ({
    ...document,
    resources: {
      ...document.resources,
      [wish.name]: { kind: wish.kind, generation: before?.generation ?? 1, id },
    },
  }));
}

type Work<Inputs> = ConvergeOptions<Inputs> & { readonly world: World<Inputs> };

async function perform<Inputs>(
  wish: Wish<Inputs>,
  step: Step,
  work: Work<Inputs>,
): Promise<Observed<Inputs>> {
  const note = work.progress.begin(wish.name, step.action);
  const own = { ...work, ctx: { ...work.ctx, note } };
  try {
    const observed = step.action === "update" ? work.found.get(wish.name) : await createAndFind(wish, own);
    if (observed === undefined) throw new TypeError(`${wish.name} is to be updated but was not found`);
    const equal = await updateUntilEqual(wish, observed, own);
    work.progress.end(wish.name, step.action, equal.facts.id);
    return equal;
  } catch (error) {
    work.progress.fail(wish.name, step.action);
    throw work.explain?.(error, wish.name, wish.name) ?? error;
  }
}

function identityOf<Inputs>({ name }: Wish<Inputs>, { identify, journal }: Work<Inputs>): Identity {
  const { document } = journal;
  return identify(name, document.resources[name]?.generation ?? 1, document);
}

async function createAndFind<Inputs>(wish: Wish<Inputs>, work: Work<Inputs>): Promise<Observed<Inputs>> {
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

const rounds = 5;
/** How long AWS may go on showing what was before an update, until the update is made once more: two minutes in all. */
const staleForMs = 24_000;

async function updateUntilEqual<Inputs>(
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

/** Looks at all of them at once before the first is removed: an id that stands in a document may be anybody's. */
async function removeSuperseded<Inputs>(options: ConvergeOptions<Inputs>): Promise<void> {
  const { journal, wishes, ctx, progress } = options;
  const kinds = new Set(wishes.map(({ kind }) => kind));
  const { document } = journal;
  const current = new Set(Object.values(document.resources).map(({ id }) => id));
  const known = document.superseded.filter(({ kind }) => kinds.has(kind));
  const old = known.filter(({ id }) => !current.has(id));
  const there = await findRecorded(old, { ...options, document });
  forget(journal, new Set(known.map(({ id }) => id).filter((id) => there.every((one) => one.id !== id))));
  const order = wishes.map(({ name }) => name);
  for (const one of there.toSorted((a, b) => order.indexOf(b.name) - order.indexOf(a.name))) {
    ctx.signal.throwIfAborted();
    const label = `${one.name} (old)`;
    const note = progress.begin(label, "remove");
    await wishes.find(({ kind }) => kind === one.kind)?.remove({ ...ctx, note }, one.id);
    forget(journal, new Set([one.id]));
    progress.end(label, "remove", one.id);
  }
}

function forget(journal: Journal, gone: ReadonlySet<string>): void {
  if (gone.size === 0) return;
  journal.note((document) => ({
    ...document,
    superseded: document.superseded.filter(({ id }) => !gone.has(id)),
  }));
}

function notVisible({ name, kind }: Pick<Wish, "name" | "kind">, id: string): BerthError {
  return new BerthError({
    code: "NotVisible",
    message: `${kind} ${id} was created or changed, but AWS does not show it`,
    hint: "run the same command again: it looks for it first",
    resource: name,
  });
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
