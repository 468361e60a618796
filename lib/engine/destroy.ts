import type { Journal } from "../../state/journal.ts";
import type { WriteContext } from "../contract/resource.ts";
import type { ConvergeOptions } from "./converge.ts";
import { runGraph } from "./graph.ts";
import type { Owned } from "./owned.ts";
import type { Progress } from "./progress.ts";
import type { Wish } from "./wish.ts";

export interface DestroyOptions<Inputs> {
  readonly ctx: WriteContext;
  readonly wishes: readonly Wish<Inputs>[];
  /** Looked at directly before: nothing else is removed. */
  readonly targets: readonly Owned[];
  /** Absent when the stack has no state document: tags alone are enough. */
  readonly journal?: Journal | undefined;
  readonly progress: Progress;
  /** As of `ConvergeOptions`. */
  readonly explain?: ConvergeOptions["explain"];
}

/** Removes each target as soon as everything that needs it is gone. */
export async function destroy<Inputs>(options: DestroyOptions<Inputs>): Promise<void> {
  const { ctx, journal } = options;
  try {
    await runGraph(
      removalsOf(options),
      async ({ name, wish, targets }) => {
        await Promise.all(targets.map((target) => removeOne(wish, target, options)));
        journal?.note((document) => {
          const { [name]: _gone, ...resources } = document.resources;
          const superseded = document.superseded.filter((one) => one.name !== name);
          return { ...document, resources, superseded };
        });
      },
      { limit: 8, signal: ctx.signal },
    );
  } finally {
    await journal?.flush();
  }
}

/**
 * One for each wish, to be begun when all that needs it is gone. What bears a name that the stack doesn't know goes with the first
 * wish of its kind, when nothing needs any of that kind: wishes stand after those they need, so that makes no circle.
 */
function removalsOf<Inputs>({ wishes, targets }: DestroyOptions<Inputs>) {
  const known = new Set(wishes.map(({ kind, name }) => `${kind} ${name}`));
  const isKnown = ({ kind, name }: Owned) => known.has(`${kind} ${name}`);
  const neededBy = (names: readonly string[]) =>
    wishes.filter(({ needs }) => names.some((name) => needs.includes(name))).map(({ name }) => name);
  return wishes.map((wish) => {
    const own = targets.filter(({ kind, name }) => kind === wish.kind && name === wish.name);
    const others = targets.filter((target) => target.kind === wish.kind && !isKnown(target));
    const alike = wishes.filter(({ kind }) => kind === wish.kind).map(({ name }) => name);
    const isFirst = alike[0] === wish.name;
    const needs = isFirst && others.length > 0 ? neededBy(alike) : neededBy([wish.name]);
    return {
      name: wish.name,
      needs: needs.filter((name) => name !== wish.name),
      wish,
      targets: isFirst ? [...own, ...others] : own,
    };
  });
}

async function removeOne<Inputs>(
  wish: Wish<Inputs>,
  target: Owned,
  { ctx, progress, explain }: DestroyOptions<Inputs>,
): Promise<void> {
  const note = progress.begin(target.name, "remove");
  try {
    await wish.remove({ ...ctx, note }, target.id);
    progress.end(target.name, "remove", target.id);
  } catch (error) {
    progress.fail(target.name, "remove");
    throw explain?.(error, target.name, target.name) ?? error;
  }
}
