/** One stored object. `etag` is opaque: it changes with every write. */
export interface StoredObject {
  /** Of an object that is longer than any of Berth's only the beginning, still too long for what parses it. */
  readonly body: string;
  readonly etag: string;
  /** Milliseconds since it was written, by the store's own clock alone: hosts with wrong clocks agree on it. */
  readonly ageMs: number;
}

/** What a conditional write came to. `lost`: somebody else wrote first, or the object isn't as expected. */
export type WriteOutcome = { readonly etag: string } | "lost";

/**
 * The few operations that state and lease need of a store, with these obligations:
 * - a write or removal with a condition happens entirely or not at all, whoever else is writing
 * - a write that returned is seen by every read that starts after it
 * - `put` without `etag` creates: it is `lost` if the object exists; with one it replaces exactly that version
 * - a write whose reply got lost may be told apart by reading the body again; implementations do so themselves
 */
export interface ObjectStore {
  /** Where a person finds it: `s3://bucket` or a folder. */
  readonly location: string;
  get(key: string): Promise<StoredObject | undefined>;
  put(key: string, body: string, etag?: string): Promise<WriteOutcome>;
  /** Removes exactly that version; true when it is gone, false when another version is there. */
  remove(key: string, etag: string): Promise<boolean>;
}
