import { snapshotCost } from "../lib/deploy/cost.ts";
import { listAll, type Owned } from "../lib/engine/owned.ts";
import { listDataSnapshots } from "../lib/resources/storage/data-snapshot.ts";
import type { StackDeclaration } from "../lib/stack.ts";
import type { Session } from "../lib/command/session.ts";
import { keptOf } from "./data.ts";
import { invocation } from "../lib/invocation.ts";

export interface Census {
  /** How many resources of each kind AWS still lists under the stack's ownership tag or derived names. */
  readonly counts: Readonly<Record<string, number>>;
  readonly left: readonly Owned[];
  /** Snapshots of the stack's data. They stay on purpose, so they don't count as left. */
  readonly kept: readonly Kept[];
}

type Kept = ReturnType<typeof keptOf>;

/** Lists the stack's resources in each service again. Doesn't use the state document. */
export async function takeCensus(
  { ctx, config }: Session,
  declarations: readonly StackDeclaration[],
): Promise<Census> {
  const [left, kept] = await Promise.all([
    listAll(declarations, ctx, config.stack),
    listDataSnapshots(ctx, config.stack),
  ]);
  const kinds = [...new Set(declarations.map(({ kind }) => kind))];
  const counts = kinds.map((kind) => [kind, left.filter((one) => one.kind === kind).length] as const);
  return { counts: Object.fromEntries(counts), left, kept: kept.map(keptOf) };
}

export function censusLines({ counts, left, kept }: Census, region: string): string[] {
  const rows = Object.entries(counts).map(([kind, count]) => `  ${kind.padEnd(18)} ${count}`);
  const total = left.length === 0 ? "census: 0 left" : `census: ${left.length} left`;
  const names = left.map(({ kind, id, name }) => `  ${kind} ${id} (${name})`);
  return [...rows, total, ...names, ...keptLines(kept, region)];
}

function keptLines(kept: readonly Kept[], region: string): string[] {
  if (kept.length === 0) return [];
  const usd = snapshotCost(
    kept.reduce((sum, { gib }) => sum + gib, 0),
    region,
  );
  const cost = usd === undefined ? "" : `, at most $${usd.toFixed(2)} a month`;
  const rows = kept.map(({ id, volumeId, gib, at }) => `  ${id} (${gib} GiB of ${volumeId}, taken ${at})`);
  return [
    `kept: ${kept.length} ${kept.length === 1 ? "snapshot" : "snapshots"} of the data${cost}; ${invocation("up")} offers to restore it, ${invocation("down", "--delete-data")} deletes it`,
    ...rows,
  ];
}
