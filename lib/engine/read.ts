import type { StateDocument } from "../../state/document.ts";
import type { Identity, Observed, ReadContext } from "../contract/resource.ts";
import { lookUntil } from "../poll.ts";
import type { Observation, Declaration, DeclarationOf } from "./declaration.ts";

export type Observations<Inputs = unknown> = ReadonlyMap<string, Observation<Inputs> | undefined>;

export interface ReadOptions<Inputs> {
  readonly ctx: ReadContext;
  readonly declarations: readonly Declaration<Inputs>[];
  readonly document: StateDocument;
  readonly identify: Identify;
  /**
   * How long to look for a resource that a killed run intended and may have created. AWS shows new resources late, and
   * creating again too early would make a second one.
   */
  readonly patienceMs?: number;
}

export type Identify = (name: string, generation: number, document: StateDocument) => Identity;

/** Reads the resources of all declarations from AWS in parallel. Never writes. */
export async function readAll<Inputs>(options: ReadOptions<Inputs>): Promise<Observations<Inputs>> {
  const found = await Promise.all(
    options.declarations
      .filter(({ isRetired }) => isRetired !== true)
      .map(async (declaration) => [declaration.name, await readOne(declaration, options)] as const),
  );
  return new Map(found);
}

async function readOne<Inputs>(
  declaration: Declaration<Inputs>,
  options: ReadOptions<Inputs>,
): Promise<Observation<Inputs> | undefined> {
  const { ctx, document, identify } = options;
  const entry = document.resources[declaration.name];
  const identity = identify(declaration.name, entry?.generation ?? 1, document);
  const isIntent = entry !== undefined && entry.id === undefined;
  const find = () => declaration.find(ctx, identity, entry?.id);
  if (!isIntent || options.patienceMs === undefined) return find();
  const what = `a ${declaration.kind} that an interrupted run may have created`;
  return findPatiently(ctx, { what, patienceMs: options.patienceMs, find });
}

/** Looks until the resource is there or the time is over. */
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

/** What a declaration's resource was observed as; undefined if it is absent or not declared. */
export function observedOf<Found extends Observed, Inputs>(
  part: DeclarationOf<Found> | undefined,
  found: Observations<Inputs>,
): Found | undefined {
  const observed = part && found.get(part.name)?.observed;
  return observed !== undefined && part?.isObserved(observed) === true ? observed : undefined;
}
