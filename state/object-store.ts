/** One stored object. `etag` is opaque: it changes with every write. */
export interface StoredObject {
  /** The text. If the object is too long, only its beginning, which is still too long for the parser. */
  readonly body: string;
  readonly etag: string;
  /** Milliseconds since the write, by the store's clock only, so that computers with wrong clocks agree. */
  readonly ageMs: number;
}

/** The result of a conditional write. `lost`: somebody else wrote first, or the object isn't the expected version. */
export type WriteOutcome = { readonly etag: string } | "lost";

/**
 * The operations that state and lease need from a store. Every implementation must meet these obligations:
 * - a conditional write or removal happens completely or not at all, whoever else is writing
 * - every read that starts after a write has returned sees that write
 * - `put` without `etag` creates an object and is `lost` if it exists; with `etag` it replaces exactly that version
 * - after a lost reply, the store itself reads the body again to learn whether the write took effect
 */
export interface ObjectStore {
  /** Where a person finds the store: `s3://bucket` or a folder. */
  readonly location: string;
  get(key: string): Promise<StoredObject | undefined>;
  put(key: string, body: string, etag?: string): Promise<WriteOutcome>;
  /** Removes exactly this version. Returns true if it is gone, false if there is another version. */
  remove(key: string, etag: string): Promise<boolean>;
  /** False if the place itself is gone, so that nothing can be stored. */
  exists(): Promise<boolean>;
}
