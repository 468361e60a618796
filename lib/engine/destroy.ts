import type { Journal } from "../../state/journal.ts";
import type { WriteContext } from "../contract/resource.ts";
import type { ConvergeOptions } from "./converge.ts";
import { runGraph } from "./graph.ts";
import type { Owned } from "./owned.ts";
import type { Progress } from "./progress.ts";
import type { Declaration } from "./declaration.ts";

export interface DestroyOptions<Inputs> {
  readonly ctx: WriteContext;
  readonly declarations: readonly Declaration<Inputs>[];
  /** The resources to remove. Each was observed just before. */
  readonly targets: readonly Owned[];
  /** Absent if the stack has no state document: tags alone are enough. */
  readonly journal?: Journal | undefined;
  readonly progress: Progress;
  /** See `ConvergeOptions`. */
  readonly explain?: ConvergeOptions["explain"];
}

/** Removes each target as soon as everything that needs it has been removed. */
export async function destroy<Inputs>(options: DestroyOptions<Inputs>): Promise<void> {
  const { ctx, journal } = options;
  try {
    await runGraph(
      removalsOf(options),
      async ({ name, declaration, targets }) => {
        await Promise.all(targets.map((target) => removeOne(declaration, target, options)));
        if (journal !== undefined) forget(journal, name);
      },
      { limit: 8, signal: ctx.signal },
    );
  } finally {
    await journal?.flush();
  }
}

/**
 * One removal for each declaration, which starts when everything that needs the declaration is gone. Targets with a name that
 * the stack doesn't declare are removed with the first declaration of their kind, once nothing needs any of that kind. This
 * makes no cycle, because each declaration comes after those it needs.
 */
function removalsOf<Inputs>({ declarations, targets }: DestroyOptions<Inputs>) {
  const known = new Set(declarations.map(({ kind, name }) => `${kind} ${name}`));
  const isKnown = ({ kind, name }: Owned) => known.has(`${kind} ${name}`);
  const neededBy = (names: readonly string[]) =>
    declarations.filter(({ needs }) => names.some((name) => needs.includes(name))).map(({ name }) => name);
  return declarations.map((declaration) => {
    const own = targets.filter(({ kind, name }) => kind === declaration.kind && name === declaration.name);
    const others = targets.filter((target) => target.kind === declaration.kind && !isKnown(target));
    const alike = declarations.filter(({ kind }) => kind === declaration.kind).map(({ name }) => name);
    const isFirst = alike[0] === declaration.name;
    const needs = isFirst && others.length > 0 ? neededBy(alike) : neededBy([declaration.name]);
    return {
      name: declaration.name,
      needs: needs.filter((name) => name !== declaration.name),
      declaration,
      targets: isFirst ? [...own, ...others] : own,
    };
  });
}

/** Saves nothing where the document doesn't mention the name: most stacks have less than they could have. */
function forget(journal: Journal, name: string): void {
  const { resources, superseded } = journal.document;
  if (resources[name] === undefined && superseded.every((one) => one.name !== name)) return;
  journal.note((document) => {
    const { [name]: _gone, ...others } = document.resources;
    return {
      ...document,
      resources: others,
      superseded: document.superseded.filter((one) => one.name !== name),
    };
  });
}

async function removeOne<Inputs>(
  declaration: Declaration<Inputs>,
  target: Owned,
  { ctx, progress, explain }: DestroyOptions<Inputs>,
): Promise<void> {
  const note = progress.begin(target.name, "remove");
  try {
    await declaration.remove({ ...ctx, note }, target.id);
    progress.end(target.name, "remove", target.id);
  } catch (error) {
    progress.fail(target.name, "remove", ctx.signal.aborted);
    throw explain?.(error, target.name, target.name) ?? error;
  }
}
