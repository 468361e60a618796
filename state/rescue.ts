import { rm } from "node:fs/promises";
import { BerthError } from "../lib/errors.ts";
import { readOwnFile } from "./bounded-read.ts";
import { type Scope, parseDocument, type StateDocument, type StateEntry } from "./document.ts";
import type { Loaded, StateStore } from "./store.ts";

export interface RescueOptions {
  readonly state: StateStore;
  readonly scope: Scope;
  /** Where a run leaves its document when the store can't be reached. */
  readonly rescueFile: string;
}

/** The stored document, with what an earlier run on this computer could not save merged into it. */
export async function loadState({
  state,
  scope,
  rescueFile,
}: RescueOptions): Promise<Loaded | Kept | undefined> {
  const [loaded, kept] = await Promise.all([state.load(), readRescued(rescueFile, scope)]);
  if (kept === undefined) return loaded;
  if (loaded === undefined) return { document: kept, wasKept: true };
  if (loaded.document.lineage !== kept.lineage) throw otherLineage(rescueFile, state.location);
  return { document: mergeDocuments(loaded.document, kept), etag: loaded.etag, wasKept: true };
}

interface Kept {
  readonly document: StateDocument;
  readonly etag?: string;
  /** Holds what the store doesn't: it is to be saved, whatever else there is to do. */
  readonly wasKept: true;
}

/** Called when a run has saved all it knows. */
export async function forgetRescued(rescueFile: string): Promise<void> {
  await rm(rescueFile, { force: true });
}

/** Pure. The later generation wins; of the same generation the one that knows its id. */
export function mergeDocuments(stored: StateDocument, kept: StateDocument): StateDocument {
  const resources = new Map<string, StateEntry>(Object.entries(stored.resources));
  for (const [name, entry] of Object.entries(kept.resources)) {
    const other = resources.get(name);
    const isLater = other === undefined || entry.generation > other.generation;
    const knowsMore = other !== undefined && entry.generation === other.generation && other.id === undefined;
    if (isLater || knowsMore) resources.set(name, entry);
  }
  const known = new Set(stored.superseded.map(({ id }) => id));
  return {
    ...stored,
    serial: Math.max(stored.serial, kept.serial),
    resources: Object.fromEntries(resources),
    superseded: [...stored.superseded, ...kept.superseded.filter(({ id }) => !known.has(id))],
    pins: { ...kept.pins, ...stored.pins },
  };
}

async function readRescued(file: string, scope: Scope): Promise<StateDocument | undefined> {
  const body = await readOwnFile(file);
  return body === undefined ? undefined : parseDocument(body, scope, file);
}

function otherLineage(rescueFile: string, location: string): BerthError {
  return new BerthError({
    code: "StateForeign",
    message: `${rescueFile} was kept from another history of this stack than ${location} has; nothing was changed`,
    hint: "if the kept one is of a stack that was taken away since, remove that file and run again",
  });
}
