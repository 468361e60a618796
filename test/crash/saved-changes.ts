/** The parts of a state document that a run changes. */
interface Saved {
  readonly resources: Readonly<Record<string, { readonly id?: string }>>;
  readonly superseded: readonly { readonly name: string; readonly id: string }[];
}

const nothing: Saved = { resources: {}, superseded: [] };

/**
 * Names each save of the state by what it changes from the one before. Changes at the same time are saved together, so
 * the number of saves depends on timing; the changes don't.
 */
export class SavedChanges {
  #last: Saved;

  /** `before` is the state before the run, if there is one. */
  constructor(before: string | undefined) {
    this.#last = before === undefined ? nothing : read(before);
  }

  /** `intents`, `vpc`, `vpc gone`, `old instance gone`; `again` for a save that says nothing new. */
  tell(body: string): string[] {
    const [before, now] = [this.#last, read(body)];
    this.#last = now;
    const entries = Object.entries(now.resources);
    const isNew = ([name, { id }]: (typeof entries)[number]) => id !== before.resources[name]?.id;
    const intents = entries.some(([name, { id }]) => id === undefined && !isIntent(before.resources[name]));
    const known = entries.filter((one) => one[1].id !== undefined && isNew(one)).map(([name]) => name);
    const gone = Object.keys(before.resources).filter((name) => now.resources[name] === undefined);
    const left = new Set(now.superseded.map(({ id }) => id));
    const old = before.superseded.filter(({ id }) => !left.has(id)).map(({ name }) => `old ${name}`);
    const told = [
      ...(intents ? ["intents"] : []),
      ...known,
      ...[...gone, ...old].map((name) => `${name} gone`),
    ];
    return told.length === 0 ? ["again"] : told;
  }
}

const isIntent = (entry: { readonly id?: string } | undefined): boolean =>
  entry !== undefined && entry.id === undefined;

function read(body: string): Saved {
  const document: Saved = JSON.parse(body);
  return document;
}
