import type { StateDocument } from "./document.ts";

/** A resource as its ownership tags name it. */
export interface Tagged {
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;
}

/**
 * A state document made from ownership tags alone: the highest generation of each name is the current one, lower ones
 * were being replaced. Two of one name and generation are left without an id: looking for them by tags reports both.
 */
export function rebuildDocument(empty: StateDocument, listed: readonly Tagged[]): StateDocument {
  const resources: StateDocument["resources"] = {};
  const superseded: StateDocument["superseded"] = [];
  for (const name of new Set(listed.map((one) => one.name))) {
    const own = listed.filter((one) => one.name === name).toSorted((a, b) => b.generation - a.generation);
    const [current, ...older] = own;
    if (current === undefined) continue;
    const { kind, generation, id } = current;
    const isAlone = older.every((one) => one.generation < generation);
    resources[name] = isAlone ? { kind, generation, id } : { kind, generation };
    superseded.push(...older.filter((one) => one.generation < generation));
  }
  return { ...empty, resources, superseded };
}
