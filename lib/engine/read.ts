import type { StateDocument } from "../../state/document.ts";
import type { Identity, ReadContext } from "../contract/resource.ts";
import { lookUntil } from "../poll.ts";
import type { Observed, Wish } from "./wish.ts";

export type Observations<Inputs = unknown> = ReadonlyMap<string, Observed<Inputs> | undefined>;

export interface ReadOptions<Inputs> {
  readonly ctx: ReadContext;
  readonly wishes: readonly Wish<Inputs>[];
  readonly document: StateDocument;
  readonly identify: Identify;
  /**
   * How long to go on looking for what a killed run intended and may have created. AWS shows new things late;
   * creating again too early would make two.
   */
  readonly patienceMs?: number;
}

export type Identify = (name: string, generation: number, document: StateDocument) => Identity;

/** Reads every wish's resource from AWS at once. Never writes. */
export async function readAll<Inputs>(options: ReadOptions<Inputs>): Promise<Observations<Inputs>> {
  const found = await Promise.all(
    options.wishes.map(async (wish) => [wish.name, await readOne(wish, options)] as const),
  );
  return new Map(found);
}

async function readOne<Inputs>(
  wish: Wish<Inputs>,
  options: ReadOptions<Inputs>,
): Promise<Observed<Inputs> | undefined> {
  const { ctx, document, identify } = options;
  const entry = document.resources[wish.name];
  const identity = identify(wish.name, entry?.generation ?? 1, document);
  const isIntent = entry !== undefined && entry.id === undefined;
  const find = () => wish.find(ctx, identity, entry?.id);
  if (!isIntent || options.patienceMs === undefined) return find();
  const what = `a ${wish.kind} that an interrupted run may have created`;
  return findPatiently(ctx, { what, patienceMs: options.patienceMs, find });
}

/** Looks until it is there or the time is over. */
export async function findPatiently<Found>(
  ctx: ReadContext,
  { what, patienceMs, find }: { what: string; patienceMs: number; find: () => Promise<Found | undefined> },
): Promise<Found | undefined> {
  const look = async () => {
    const found = await find();
    return found === undefined ? { waiting: `looking for ${what}` } : { done: found };
  };
  const last = await lookUntil<Found>(ctx, { what, timeoutMs: patienceMs, look });
  return "done" in last ? last.done : undefined;
}
