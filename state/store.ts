import { BerthError, exitCodes } from "../lib/errors.ts";
import { type Scope, parseDocument, type StateDocument } from "./document.ts";
import type { ObjectStore } from "./object-store.ts";

export interface Loaded {
  readonly document: StateDocument;
  readonly etag: string;
}

export interface StateStore {
  readonly location: string;
  /** Undefined if there is no document. Throws BerthError for a document that can't be used. */
  load(): Promise<Loaded | undefined>;
  /** Saves the whole document if the stored version still has this etag, or if none exists and etag is undefined. Returns the new etag. */
  save(document: StateDocument, etag: string | undefined): Promise<string>;
}

export const stateKey = "state.json";

export function openStateStore(store: ObjectStore, scope: Scope): StateStore {
  const location = `${store.location}/${stateKey}`;
  return {
    location,
    load: async () => {
      const found = await store.get(stateKey);
      if (found === undefined) return undefined;
      return { document: parseDocument(found.body, scope, location), etag: found.etag };
    },
    save: async (document, etag) => {
      const outcome = await store.put(stateKey, `${JSON.stringify(document, undefined, 2)}\n`, etag);
      if (outcome !== "lost") return outcome.etag;
      throw new BerthError({
        code: "StateConflict",
        message: `somebody else wrote ${location} since it was read; nothing more is changed`,
        hint: "run the same command again: it reads what is there and goes on from that",
        exitCode: exitCodes.leaseHeld,
      });
    },
  };
}
