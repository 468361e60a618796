import type { Journal } from "../../state/journal.ts";
import type { Identity, WriteContext } from "../contract/resource.ts";
import type { Identify } from "./read.ts";
import type { Declaration, World } from "./declaration.ts";

/** What each step of `converge` needs. */
export interface Work<Inputs> {
  readonly ctx: WriteContext;
  readonly journal: Journal;
  readonly identify: Identify;
  readonly world: World<Inputs>;
  /** How long to look for a resource after the reply to its create call was lost. */
  readonly patienceMs?: number;
}

export function identityOf<Inputs>(
  { name }: Pick<Declaration, "name">,
  { identify, journal }: Work<Inputs>,
): Identity {
  const { document } = journal;
  return identify(name, document.resources[name]?.generation ?? 1, document);
}
