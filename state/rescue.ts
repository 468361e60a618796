import { rm } from "node:fs/promises";
import { BerthError } from "../lib/errors.ts";
import { readOwnFile } from "./bounded-read.ts";
import { type Scope, parseDocument, type StateDocument, type StateEntry } from "./document.ts";
import type { Loaded, StateStore } from "./store.ts";

export interface RescueOptions {
  readonly state: StateStore;
  readonly scope: Scope;
  /** The file that receives a run's document if the store can't be reached. */
  readonly rescueFile: string;
}

/** Loads the stored document. If an earlier run on this computer could not save its document, that one is merged in. */
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
  /** Marks a document with changes that the store doesn't have. It must be saved even if there is nothing else to do. */
  readonly wasKept: true;
}

/** Removes the unsaved document, once a run has saved everything. */
export async function forgetRescued(rescueFile: string): Promise<void> {
  await rm(rescueFile, { force: true });
}

/** Pure. The higher generation of a resource wins; within one generation, the entry with an id. */
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
