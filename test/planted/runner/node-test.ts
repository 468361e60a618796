import { mock } from "node:test";

/**
 * Stands in for `node:test` while Stryker runs: the tests of all files are gathered in one process, and each can be run as often as there
 * are changes that reach it. What the quick rooms use of `node:test` is here, and no more.
 */

/** The context that a test gets. */
export interface TrialContext {
  readonly name: string;
  readonly mock: typeof mock;
  readonly signal: AbortSignal;
  after(work: Work): void;
  diagnostic(message: string): void;
}

type Work = (context: TrialContext) => unknown;
type Options = Readonly<Record<string, unknown>>;
type Phase = "before" | "beforeEach" | "afterEach" | "after";

/** A file or a `describe`. */
interface Group {
  readonly parent: Group | undefined;
  readonly name: string;
  readonly work: Record<Phase, Work[]>;
  isBegun: boolean;
}

/** One test. */
export interface Trial {
  /** The file and the names, unique in the room. */
  readonly id: string;
  readonly file: string;
  /** Rejects when the test fails. */
  run(): Promise<void>;
}

const trials = new Map<string, Trial>();
const groups: Group[] = [];
let current = openGroup("", undefined);

function openGroup(name: string, parent: Group | undefined): Group {
  const work = { before: [], beforeEach: [], afterEach: [], after: [] };
  const group: Group = { name, parent, work, isBegun: false };
  groups.push(group);
  return group;
}

/** Whatever a test has put in the place of something, also one that never came to its end. */
export function restoreMocks(): void {
  mock.reset();
  mock.timers.reset();
}

/** Called before the files are imported again. */
export function forgetTrials(): void {
  trials.clear();
}

/** Everything that the import of a file registers belongs to that file. */
export async function gather(file: string, load: () => Promise<unknown>): Promise<void> {
  current = openGroup(file, undefined);
  await load();
}

export const gathered = (): readonly Trial[] => [...trials.values()];

/** Files make folders when they are imported, and `after` removes them: so it waits until all is over. */
export async function endAll(): Promise<void> {
  for (const group of groups.toReversed())
    if (group.isBegun) await runAll("after", group, contextOf(group.name));
}

const fromOutside = (group: Group): Group[] =>
  group.parent === undefined ? [group] : [...fromOutside(group.parent), group];

const pathOf = (group: Group): string[] => fromOutside(group).map(({ name }) => name);

function contextOf(name: string, endings: Work[] = []): TrialContext {
  const { signal } = new AbortController();
  return { name, mock, signal, after: (work) => void endings.push(work), diagnostic: () => undefined };
}

async function runAll(phase: Phase, group: Group, context: TrialContext): Promise<void> {
  for (const work of group.work[phase]) await work(context);
}

async function runTrial(name: string, group: Group, work: Work): Promise<void> {
  const endings: Work[] = [];
  const context = contextOf(name, endings);
  const around = fromOutside(group);
  try {
    for (const one of around) {
      if (!one.isBegun) await runAll("before", one, context);
      one.isBegun = true;
    }
    for (const one of around) await runAll("beforeEach", one, context);
    await work(context);
  } finally {
    for (const ending of endings) await ending(context);
    for (const one of around.toReversed()) await runAll("afterEach", one, context);
  }
}

/** `(name, options, work)`, where the options may be left out. */
function partsOf(rest: readonly [Options, Work] | readonly [Work]): { options: Options; work: Work } {
  return rest.length === 1 ? { options: {}, work: rest[0] } : { options: rest[0], work: rest[1] };
}

export function it(name: string, ...rest: readonly [Options, Work] | readonly [Work]): void {
  const { options, work } = partsOf(rest);
  if (options["skip"]) return;
  const group = current;
  const names = [...pathOf(group), name].join(" > ");
  const same = gathered().filter(({ id }) => id === names || id.startsWith(`${names} #`)).length;
  const id = same === 0 ? names : `${names} #${same + 1}`;
  const [file = ""] = pathOf(group);
  trials.set(id, { id, file, run: () => runTrial(name, group, work) });
}

export function test(name: string, ...rest: readonly [Options, Work] | readonly [Work]): void {
  it(name, ...rest);
}

export function describe(name: string, ...rest: readonly [Options, Work] | readonly [Work]): void {
  const { options, work } = partsOf(rest);
  if (options["skip"]) return;
  const parent = current;
  current = openGroup(name, parent);
  const result = work(contextOf(name));
  current = parent;
  if (result instanceof Promise) throw new TypeError(`${name}: a describe that waits can't be gathered`);
}

const register = (phase: Phase) => (work: Work) => void current.work[phase].push(work);

export const before = register("before");
export const after = register("after");
export const beforeEach = register("beforeEach");
export const afterEach = register("afterEach");
