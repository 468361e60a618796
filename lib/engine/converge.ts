import { setTimeout as sleep } from "node:timers/promises";
import type { Journal } from "../../state/journal.ts";
import { BerthError, LostReply } from "../errors.ts";
import type { Identity, ResourceContext } from "../resources/resource.ts";
import { runGraph } from "./graph.ts";
import { findRecorded } from "./owned.ts";
import type { Plan, Step } from "./plan.ts";
import { findPatiently, type Identify, type Observations } from "./read.ts";
import type { IdOf, Observed, Wish } from "./wish.ts";

export interface ConvergeOptions {
  readonly ctx: ResourceContext;
  readonly wishes: readonly Wish[];
  readonly found: Observations;
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
const visibleWithinMs = 60_000;
const defaultPatienceMs = 15_000;

/**
 * Makes every step of the plan true. One flow for every starting point: absent? create and note the id; then
 * differences, update, and look again until nothing is left. What was replaced is removed last, in reverse order.
 * Returns how everything was last seen.
 */
export async function converge(options: ConvergeOptions): Promise<Observations> {
  const { journal, plan, wishes } = options;
  const found = new Map(options.found);
  const steps = new Map(plan.steps.map((step) => [step.name, step]));
  noteIntent(options);
  await journal.flush();

  const idOf: IdOf = (name) => {
    const id = journal.document.resources[name]?.id;
    if (id === undefined) throw new TypeError(`${name} has no id yet`);
    return id;
  };
  try {
    await runGraph(
      wishes,
      async (wish) => {
        const step = steps.get(wish.name);
        const observed = found.get(wish.name);
        if (step !== undefined) found.set(wish.name, await perform(wish, step, { ...options, idOf }));
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
function noteIntent({ journal, plan, found }: ConvergeOptions): void {
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

function noteId(journal: Journal, wish: Wish, id: string): void {
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

type Work = ConvergeOptions & { readonly idOf: IdOf };

async function perform(wish: Wish, step: Step, work: Work): Promise<Observed> {
  const note = work.progress.begin(wish.name, step.action);
  const ctx: ResourceContext = { ...work.ctx, note };
  try {
    const observed =
      step.action === "update" ? work.found.get(wish.name) : await createAndFind(wish, ctx, work);
    if (observed === undefined) throw new TypeError(`${wish.name} is to be updated but was not found`);
    const equal = await updateUntilEqual(wish, observed, { ...work, ctx });
    work.progress.end(wish.name, step.action, equal.facts.id);
    return equal;
  } catch (error) {
    work.progress.fail(wish.name, step.action);
    throw work.explain?.(error, wish.name, wish.name) ?? error;
  }
}

async function createAndFind(wish: Wish, ctx: ResourceContext, work: Work): Promise<Observed> {
  const { journal, identify } = work;
  const generation = journal.document.resources[wish.name]?.generation ?? 1;
  const identity = identify(wish.name, generation, journal.document);
  const id = await createOnce(wish, { ...work, ctx }, identity);
  noteId(journal, wish, id);
  const giveUpAtMs = performance.now() + visibleWithinMs;
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const observed = await wish.find(ctx, identity, id);
    if (observed !== undefined) return observed;
    if (performance.now() > giveUpAtMs) throw neverVisible(wish, id);
    ctx.note(`${id} is not visible yet`);
    await sleep(pauseMs, undefined, { signal: ctx.signal });
  }
}

const creates = 6;

/** Where it is unknown whether a create took effect, its tags tell; AWS may show them late, so the look is a patient one. */
async function createOnce(wish: Wish, work: Work, identity: Identity): Promise<string> {
  const { ctx, idOf, patienceMs = defaultPatienceMs } = work;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await wish.create(ctx, identity, idOf);
    } catch (error) {
      if (!(error instanceof LostReply)) throw error;
      ctx.note(`AWS's reply got lost: looking for a ${wish.kind} that it may have created`);
      const made = await findPatiently(() => wish.find(ctx, identity), patienceMs, ctx.signal);
      if (made !== undefined) return made.facts.id;
      if (attempt === creates) throw error.reason;
    }
  }
}

const rounds = 5;

async function updateUntilEqual(wish: Wish, first: Observed, work: Work): Promise<Observed> {
  const { ctx, journal, identify, idOf } = work;
  let observed: Observed | undefined = first;
  for (let round = 0; ; round += 1) {
    const left = observed.differences(idOf);
    if (left.length === 0) {
      noteId(journal, wish, observed.facts.id);
      return observed;
    }
    if (round === rounds)
      throw notConverged(
        wish,
        observed,
        left.map(({ field }) => field),
      );
    if (round > 1) await sleep(500 * round, undefined, { signal: ctx.signal });
    // After a changed reading the differences are settled again; a first one is acted upon as it is.
    await observed.update(ctx, idOf, left);
    const generation = journal.document.resources[wish.name]?.generation ?? 1;
    observed = await wish.find(ctx, identify(wish.name, generation, journal.document), observed.facts.id);
    if (observed === undefined) throw neverVisible(wish, first.facts.id);
  }
}

/** Looks at all of them at once before the first is removed: an id that stands in a document may be anybody's. */
async function removeSuperseded(options: ConvergeOptions): Promise<void> {
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

function neverVisible(wish: Wish, id: string): BerthError {
  return new BerthError({
    code: "NotVisible",
    message: `${wish.kind} ${id} was created, but AWS does not show it`,
    hint: "run the same command again: it looks for it first",
    resource: wish.name,
  });
}

function notConverged(wish: Wish, observed: Observed, fields: readonly string[]): BerthError {
  return new BerthError({
    code: "NotConverged",
    message: `${wish.kind} ${observed.facts.id} still differs after ${rounds} attempts: ${fields.join(", ")}`,
    hint: "somebody or something changes it back; find out who, then run the same command again",
    resource: wish.name,
  });
}
