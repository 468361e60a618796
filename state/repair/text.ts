import { changesText, compareDocuments } from "./changes.ts";
import type { StateDocument } from "../document.ts";
import type { ReadVersion } from "./history.ts";
import type { Inspection } from "./inspection.ts";
import type { FoundLease } from "../lease/lease.ts";

/** Says where the document is, which one it is, and what is wrong with it. */
export function storedLines(location: string, stored: Inspection | undefined): string[] {
  if (stored === undefined) return [`document    none at ${location}`];
  const { document, problem } = stored;
  const rows = document
    ? [
        `serial      ${document.serial}`,
        `lineage     ${document.lineage}`,
        `written     ${document.savedAt || "never"} by run ${document.writer || "none"}`,
      ]
    : [`problem     ${problem?.code}: ${problem?.message}`, `way back    ${problem?.hint}`];
  return [`document    ${location}`, ...rows];
}

/** One line for each resource, followed by superseded resources and pins. */
export function documentLines({ resources, superseded, pins }: StateDocument): string[] {
  const row = (name: string, generation: number, id: string) =>
    `${name.padEnd(18)} generation ${String(generation).padEnd(3)} ${id}`;
  return [
    ...Object.entries(resources).map(([name, one]) => row(name, one.generation, one.id ?? "no id")),
    ...superseded.map(({ name, generation, id }) => row(`${name} (old)`, generation, id)),
    ...Object.entries(pins).map(([name, value]) => `pin ${name.padEnd(27)} ${value}`),
  ];
}

/** Says who holds the lease, for what, since when, and how old the last heartbeat is. */
export function leaseText(lease: FoundLease | undefined): string {
  if (lease === undefined) return "free";
  const { record, ageMs, isAlive } = lease;
  const who = record ? `${record.holder}@${record.host} (process ${record.process})` : "an unknown holder";
  const what = record ? `, running "${record.operation}" since ${record.since}` : "";
  const state = isAlive ? "held" : "expired; was held";
  return `${state} by ${who}${what}; last heartbeat ${Math.round(ageMs / 1000)} s ago`;
}

/** One row for each version, newest first, with its changes since the last readable version before it. */
export function historyRows(versions: readonly ReadVersion[]) {
  return versions.map(({ id, at, isRemoval, document, problem }, index) => {
    const before = versions.slice(index + 1).find((one) => one.document !== undefined)?.document;
    const { serial, lineage, writer } = document ?? {};
    const changes = document && compareDocuments(before, document);
    return { id, at, serial, lineage, writer, changes, removed: isRemoval, problem: problem?.code };
  });
}

export function historyLines(rows: ReturnType<typeof historyRows>): string[] {
  return rows.map(({ id, at, serial, writer, changes, removed, problem }) => {
    const what = removed ? "removed" : (problem ?? (changes ? changesText(changes) : ""));
    return `${at}  ${id}  serial ${String(serial ?? "?").padEnd(4)} ${(writer ?? "").slice(0, 8).padEnd(8)}  ${what}`;
  });
}
