import type { Journal } from "../../state/journal.ts";
import type { Plan } from "./plan.ts";
import type { Observations } from "./read.ts";
import type { Declaration } from "./declaration.ts";

interface Intended<Inputs> {
  readonly journal: Journal;
  readonly plan: Plan;
  readonly observations: Observations<Inputs>;
}

/**
 * Notes in one save what the run is going to create, before the first create call. A new resource gets the next generation if
 * an earlier one was known: AWS may list the old one for hours, and returns it for the old client token.
 */
export function noteIntent<Inputs>({ journal, plan, observations }: Intended<Inputs>): void {
  const news = plan.steps.filter(({ action }) => action !== "update");
  if (news.length === 0) return;
  journal.note((document) => {
    const resources = { ...document.resources };
    const superseded = [...document.superseded];
    for (const { name, kind, action } of news) {
      const before = document.resources[name];
      const generation = before?.generation ?? 1;
      // A resource found only by its tags has no id in the document: the document was lost, or a run was killed before noting it.
      const id = observations.get(name)?.observed.id ?? before?.id;
      if (action === "replace" && id !== undefined) {
        superseded.push({ name, kind: before?.kind ?? kind, generation, id });
      }
      resources[name] = { kind, generation: id === undefined ? generation : generation + 1 };
    }
    return { ...document, resources, superseded };
  });
}

export function noteId(journal: Journal, declaration: Pick<Declaration, "name" | "kind">, id: string): void {
  const before = journal.document.resources[declaration.name];
  if (before?.id === id && before.kind === declaration.kind) return;
  journal.note((document) => ({
    ...document,
    resources: {
      ...document.resources,
      [declaration.name]: { kind: declaration.kind, generation: before?.generation ?? 1, id },
    },
  }));
}
