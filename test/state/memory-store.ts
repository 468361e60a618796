import type { ObjectStore } from "../../state/object-store.ts";

interface Kept {
  readonly body: string;
  readonly etag: string;
  readonly atMs: number;
}

export interface MemoryStore extends ObjectStore {
  /** Advances the store's clock, so that everything stored gets older by this time. */
  pass(ms: number): void;
  /** Writes as somebody else would, without any condition. */
  set(key: string, body: string): void;
  /** Every effective write and removal, such as `put lease.json`. */
  readonly changes: readonly string[];
}

/** A store that really stores, with a clock that moves only when the test advances it. */
export function openMemoryStore(): MemoryStore {
  const kept = new Map<string, Kept>();
  const changes: string[] = [];
  let nowMs = 0;
  let versions = 0;
  const write = (key: string, body: string): string => {
    const etag = `version-${String((versions += 1))}`;
    kept.set(key, { body, etag, atMs: nowMs });
    changes.push(`put ${key}`);
    return etag;
  };
  return {
    location: "memory",
    changes,
    pass: (ms) => void (nowMs += ms),
    set: (key, body) => void write(key, body),
    get: (key) => {
      const found = kept.get(key);
      return Promise.resolve(found && { body: found.body, etag: found.etag, ageMs: nowMs - found.atMs });
    },
    put: (key, body, etag) =>
      Promise.resolve(kept.get(key)?.etag === etag ? { etag: write(key, body) } : "lost"),
    remove: (key, etag) => {
      const found = kept.get(key);
      if (found !== undefined && found.etag !== etag) return Promise.resolve(false);
      if (kept.delete(key)) changes.push(`remove ${key}`);
      return Promise.resolve(true);
    },
    exists: () => Promise.resolve(true),
  };
}
