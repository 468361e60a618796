import type { StateDocument } from "../document.ts";

/** How two documents differ: names of resources, of superseded resources, and of pins. */
export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

export function compareDocuments(before: StateDocument | undefined, after: StateDocument): Changes {
  const older = contentsOf(before);
  const newer = contentsOf(after);
  return {
    added: [...newer.keys()].filter((name) => !older.has(name)),
    changed: [...newer].flatMap(([name, text]) => (older.has(name) && older.get(name) !== text ? name : [])),
    removed: [...older.keys()].filter((name) => !newer.has(name)),
  };
}

/** `+ vpc, subnet; ~ instance; - role` */
export function changesText({ added, changed, removed }: Changes): string {
  const part = (mark: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${mark} ${names.join(", ")}`];
  return [...part("+", added), ...part("~", changed), ...part("-", removed)].join("; ") || "nothing";
}

function contentsOf(document: StateDocument | undefined): Map<string, string> {
  const { resources = {}, superseded = [], pins = {} } = document ?? {};
  return new Map([
    ...Object.entries(resources).map(([name, { generation, id }]) => [name, `${generation} ${id}`] as const),
    ...superseded.map(({ name, id }) => [`${name} (old) ${id}`, id] as const),
    ...Object.entries(pins).map(([name, value]) => [`pin ${name}`, value] as const),
  ]);
}
