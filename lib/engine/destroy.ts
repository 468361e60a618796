import type { Journal } from "../../state/journal.ts";
import type { ResourceContext } from "../resources/resource.ts";
import type { ConvergeOptions, ConvergeProgress } from "./converge.ts";
import { runGraph } from "./graph.ts";
import type { Owned } from "./owned.ts";
import type { Wish } from "./wish.ts";

export interface DestroyOptions {
  readonly ctx: ResourceContext;
  readonly wishes: readonly Wish[];
  /** Looked at directly before: nothing else is removed. */
  readonly targets: readonly Owned[];
  /** Absent when the stack has no state document: tags alone are enough. */
  readonly journal?: Journal | undefined;
  readonly progress: ConvergeProgress;
  /** As of `ConvergeOptions`. */
  readonly explain?: ConvergeOptions["explain"];
}

/** Removes each target as soon as everything that needs it is gone. */
export async function destroy(options: DestroyOptions): Promise<void> {
  const { ctx, wishes, targets, journal } = options;
  const nodes = wishes.map((wish) => ({
    name: wish.name,
    needs: wishes.filter(({ needs }) => needs.includes(wish.name)).map(({ name }) => name),
    wish,
    targets: targets.filter(({ kind }) => kind === wish.kind),
  }));
  try {
    await runGraph(
      nodes,
      async ({ wish, targets: own }) => {
        await Promise.all(own.map((target) => removeOne(wish, target, options)));
        journal?.note((document) => {
          const { [wish.name]: _gone, ...resources } = document.resources;
          const superseded = document.superseded.filter(({ name }) => name !== wish.name);
          return { ...document, resources, superseded };
        });
      },
      { limit: 8, signal: ctx.signal },
    );
  } finally {
    await journal?.flush();
  }
}

async function removeOne(
  wish: Wish,
  target: Owned,
  { ctx, progress, explain }: DestroyOptions,
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
