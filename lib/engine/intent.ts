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
 * One save before the first create. What is created gets a generation of its own if another was known before: AWS may
 * show the old one for hours, and answers the old one's client token with the old one.
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
      // What was found by its tags alone isn't in the document: that was lost, or a run was killed before it noted the id.
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
