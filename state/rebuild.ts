import { highestGeneration, type StateDocument } from "./document.ts";

/** A resource as its ownership tags name it. */
export interface Tagged {
  readonly name: string;
  readonly kind: string;
  readonly id: string;
  readonly generation: number;
}

/** Whether the name has the form of the logical names in lib/stack.ts. Somebody else set any other name, so it is ignored. */
const isLogical = (name: string): boolean => /^[a-z][a-z0-9-]{0,63}$/.test(name);

/**
 * Rebuilds a state document from ownership tags. The highest generation of each name is the current one; lower generations
 * were being replaced. If two resources have the same name and generation, no id is recorded: the search by tags then reports
 * both.
 */
export function rebuildDocument(empty: StateDocument, listed: readonly Tagged[]): StateDocument {
  const resources: StateDocument["resources"] = {};
  const superseded: StateDocument["superseded"] = [];
  for (const name of new Set(listed.map((one) => one.name).filter(isLogical))) {
    const own = listed
      .filter((one) => one.name === name)
      // A generation tag that isn't a number reads as 0, but generations start at 1.
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
 * Adds resources that the document should know by their tags, which happens after an older version was restored: those of
 * a higher generation, and for names in `absent`, whose recorded resource is gone, those that are there. A `down` begins the
 * generations anew, so the restored one may be the higher. Returns the same document if there are none.
 */
export function catchUp(
  document: StateDocument,
  listed: readonly Tagged[],
  absent: ReadonlySet<string> = new Set(),
): StateDocument {
  const rebuilt = rebuildDocument(document, listed);
  const isSuperseded = (id: string | undefined) => document.superseded.some((known) => known.id === id);
  const ahead = Object.entries(rebuilt.resources).filter(([name, { generation, id }]) => {
    const known = document.resources[name];
    if (generation > (known?.generation ?? 0)) return true;
    return absent.has(name) && id !== undefined && id !== known?.id && !isSuperseded(id);
  });
  if (ahead.length === 0) return document;
  const names = new Set(ahead.map(([name]) => name));
  const current = new Set(ahead.map(([, { id }]) => id));
  return {
    ...document,
    resources: { ...document.resources, ...Object.fromEntries(ahead) },
    superseded: [
      ...document.superseded.filter(({ id }) => !current.has(id)),
      ...rebuilt.superseded.filter(({ name, id }) => names.has(name) && !isSuperseded(id)),
    ],
  };
}
