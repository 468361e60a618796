import { listAll, type Owned } from "../lib/engine/owned.ts";
import type { StackDeclaration } from "../lib/stack.ts";
import type { Session } from "../lib/command/session.ts";

export interface Census {
  /** How many resources of each kind AWS still lists under the stack's ownership tag or derived names. */
  readonly counts: Readonly<Record<string, number>>;
  readonly left: readonly Owned[];
}

/** Lists the stack's resources in each service again. Doesn't use the state document. */
export async function takeCensus(
  { ctx, config }: Session,
  declarations: readonly StackDeclaration[],
): Promise<Census> {
  const left = await listAll(declarations, ctx, config.stack);
  const kinds = [...new Set(declarations.map(({ kind }) => kind))];
  const counts = kinds.map((kind) => [kind, left.filter((one) => one.kind === kind).length] as const);
  return { counts: Object.fromEntries(counts), left };
}

export function censusLines({ counts, left }: Census): string[] {
  const rows = Object.entries(counts).map(([kind, count]) => `  ${kind.padEnd(18)} ${count}`);
  const total = left.length === 0 ? "census: 0 left" : `census: ${left.length} left`;
  const names = left.map(({ kind, id, name }) => `  ${kind} ${id} (${name})`);
  return [...rows, total, ...names];
}
