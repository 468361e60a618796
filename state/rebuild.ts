import { highestGeneration, type StateDocument } from "./document.ts";

/** A resource as its ownership tags name it. */
export interface Tagged {
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;
}

/** As lib/stack.ts names things. What carries another name was tagged by somebody else, and is nothing to go on from. */
const isLogical = (name: string): boolean => /^[a-z][a-z0-9-]{0,63}$/.test(name);

/**
 * A state document made from ownership tags alone: the highest generation of each name is the current one, lower ones
 * were being replaced. Two of one name and generation are left without an id: looking for them by tags reports both.
 */
export function rebuildDocument(empty: StateDocument, listed: readonly Tagged[]): StateDocument {
  const resources: StateDocument["resources"] = {};
  const superseded: StateDocument["superseded"] = [];
  for (const name of new Set(listed.map((one) => one.name).filter(isLogical))) {
    const own = listed
      .filter((one) => one.name === name)
      // A tag that isn't a number reads as 0, and generations count from 1.
      .map(({ kind, id, generation }) => ({
        name,
        kind,
        id,
        generation: Math.min(Math.max(1, generation), highestGeneration),
      }))
      .toSorted((a, b) => b.generation - a.generation);
    const [current, ...older] = own;
    if (current === undefined) continue;
    const { kind, generation, id } = current;
    const isAlone = older.every((one) => one.generation < generation);
    resources[name] = isAlone ? { kind, generation, id } : { kind, generation };
    superseded.push(...older.filter((one) => one.generation < generation));
  }
  return { ...empty, resources, superseded };
}

/**
 * The document with all that bears tags of a later generation than it knows: an older version of it was put back since.
 * The same one when it knows all.
 */
export function catchUp(document: StateDocument, listed: readonly Tagged[]): StateDocument {
  const rebuilt = rebuildDocument(document, listed);
  const ahead = Object.entries(rebuilt.resources).filter(
    ([name, { generation }]) => generation > (document.resources[name]?.generation ?? 0),
  );
  if (ahead.length === 0) return document;
  const names = new Set(ahead.map(([name]) => name));
  const current = new Set(ahead.map(([, { id }]) => id));
  return {
    ...document,
    resources: { ...document.resources, ...Object.fromEntries(ahead) },
    superseded: [
      ...document.superseded.filter(({ id }) => !current.has(id)),
      ...rebuilt.superseded.filter(
        ({ name, id }) => names.has(name) && !document.superseded.some((known) => known.id === id),
      ),
    ],
  };
}
