import type { StateDocument } from "../../state/document.ts";
import type { Journal } from "../../state/journal.ts";
import type { WriteContext } from "../contract/resource.ts";
import { findRecorded, type LookOptions } from "./owned.ts";
import type { Declaration } from "./declaration.ts";
import type { Progress } from "./progress.ts";

export interface SupersededOptions<Inputs> extends Omit<LookOptions<Inputs>, "document" | "ctx"> {
  readonly ctx: WriteContext;
  readonly journal: Journal;
  readonly progress: Progress;
}

/**
 * Removes replaced resources in reverse dependency order. Before the first removal it checks in AWS who owns each of them,
 * because a recorded id may belong to somebody else.
 */
export async function removeSuperseded<Inputs>(options: SupersededOptions<Inputs>): Promise<void> {
  const { journal, declarations, ctx, progress } = options;
  const kinds = new Set(declarations.map(({ kind }) => kind));
  const { document } = journal;
  const current = new Set(Object.values(document.resources).map(keyOf));
  const known = document.superseded.filter(({ kind }) => kinds.has(kind));
  const old = known.filter((one) => !current.has(keyOf(one)));
  const there = await findRecorded(old, { ...options, document });
  const found = new Set(there.map(keyOf));
  forget(journal, new Set(known.map(keyOf).filter((key) => !found.has(key))));
  const order = declarations.map(({ name }) => name);
  for (const one of there.toSorted((a, b) => order.indexOf(b.name) - order.indexOf(a.name))) {
    ctx.signal.throwIfAborted();
    const label = `${one.name} (old)`;
    const note = progress.begin(label, "remove");
    await declarations.find(({ kind }) => kind === one.kind)?.remove({ ...ctx, note }, one.id);
    forget(journal, new Set([keyOf(one)]));
    progress.end(label, "remove", one.id);
  }
}

/**
 * The document with what is no longer declared as superseded, for the kinds that have a retired declaration. What a killed run
 * only intended stays as it is.
 */
export function supersedeUndeclared<Inputs>(
  document: StateDocument,
  declarations: readonly Declaration<Inputs>[],
): StateDocument {
  const retired = new Set(declarations.filter(({ isRetired }) => isRetired).map(({ kind }) => kind));
  const declared = new Set(declarations.filter(({ isRetired }) => !isRetired).map(({ name }) => name));
  const entries = Object.entries(document.resources);
  const gone = entries.flatMap(([name, { id, kind, generation }]) =>
    retired.has(kind) && !declared.has(name) && id !== undefined ? [{ name, kind, generation, id }] : [],
  );
  if (gone.length === 0) return document;
  const names = new Set(gone.map(({ name }) => name));
  const resources = Object.fromEntries(entries.filter(([name]) => !names.has(name)));
  return { ...document, resources, superseded: [...document.superseded, ...gone] };
}

/** Where AWS has names in place of ids, resources of two kinds may have the same: a role and a dashboard. */
const keyOf = ({ kind, id = "" }: { readonly kind: string; readonly id?: string | undefined }): string =>
  `${kind} ${id}`;

function forget(journal: Journal, gone: ReadonlySet<string>): void {
  if (gone.size === 0) return;
  journal.note((document) => ({
    ...document,
    superseded: document.superseded.filter((one) => !gone.has(keyOf(one))),
  }));
}
