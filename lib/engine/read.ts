import { setTimeout as sleep } from "node:timers/promises";
import type { StateDocument } from "../../state/document.ts";
import type { Identity, ResourceContext } from "../resources/resource.ts";
import type { Observed, Wish } from "./wish.ts";

export type Observations = ReadonlyMap<string, Observed | undefined>;

export interface ReadOptions {
  readonly ctx: ResourceContext;
  readonly wishes: readonly Wish[];
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
export async function readAll(options: ReadOptions): Promise<Observations> {
  const found = await Promise.all(
    options.wishes.map(async (wish) => [wish.name, await readOne(wish, options)] as const),
  );
  return new Map(found);
}

async function readOne(wish: Wish, options: ReadOptions): Promise<Observed | undefined> {
  const { ctx, document, identify } = options;
  const entry = document.resources[wish.name];
  const identity = identify(wish.name, entry?.generation ?? 1, document);
  const isIntent = entry !== undefined && entry.id === undefined;
  const find = () => wish.find(ctx, identity, entry?.id);
  if (!isIntent || options.patienceMs === undefined) return find();
  ctx.note(`looking for a ${wish.kind} that an interrupted run may have created`);
  return findPatiently(find, options.patienceMs, ctx.signal);
}

/** Looks until it is there or the time is over: at once, then after 250 ms, doubling. */
export async function findPatiently(
  find: () => Promise<Observed | undefined>,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Observed | undefined> {
  const giveUpAtMs = performance.now() + patienceMs;
  for (let pauseMs = 250; ; pauseMs *= 2) {
    const observed = await find();
    const leftMs = giveUpAtMs - performance.now();
    if (observed !== undefined || leftMs <= 0) return observed;
    await sleep(Math.min(pauseMs, leftMs), undefined, { signal });
  }
}
