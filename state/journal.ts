import { BerthError } from "../lib/errors.ts";
import { writePrivateFile } from "../lib/private-files.ts";
import type { StateDocument } from "./document.ts";
import type { Loaded, StateStore } from "./store.ts";

export interface JournalOptions {
  readonly store: StateStore;
  readonly start: Loaded | { readonly document: StateDocument; readonly etag?: undefined };
  /** The id of this run, stored in the document. */
  readonly writer: string;
  /** The file that receives the document if the store can't be reached. */
  readonly rescueFile: string;
}

/**
 * The state document during a run. Changes are noted in memory at once and saved in the background, one save at a time.
 * Changes noted during a save are saved together by the next one. After a save has failed for good, `assertHealthy` throws;
 * it is called before each write to AWS.
 */
export class Journal {
  #document: StateDocument;
  #etag: string | undefined;
  #dirty = false;
  #saving: Promise<void> | undefined;
  #failure: unknown;
  readonly #options: JournalOptions;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#document = options.start.document;
    this.#etag = options.start.etag;
  }

  get document(): StateDocument {
    return this.#document;
  }

  /** Notes a change and starts to save it in the background. */
  note(change: (document: StateDocument) => StateDocument): void {
    this.#document = change(this.#document);
    this.#dirty = true;
    this.#saving ??= this.#saveAll();
  }

  /** Returns when all noted changes are stored; throws if that fails. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    this.assertHealthy();
  }

  assertHealthy(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #saveAll(): Promise<void> {
    // The save starts after the current synchronous code, so that changes noted together are saved together.
    await Promise.resolve();
    try {
      while (this.#dirty && this.#failure === undefined) {
        this.#dirty = false;
        await this.#saveOnce();
      }
    } finally {
      this.#saving = undefined;
    }
  }

  async #saveOnce(): Promise<void> {
    const document: StateDocument = {
      ...this.#document,
      serial: this.#document.serial + 1,
      writer: this.#options.writer,
      savedAt: new Date().toISOString(),
    };
    this.#document = document;
    try {
      this.#etag = await this.#options.store.save(document, this.#etag);
    } catch (error) {
      this.#failure = await this.#rescue(error);
    }
  }

  /** A conflict is final: another writer's document wins. If the store fails, a local file keeps the ids that only this run knows. */
  async #rescue(error: unknown): Promise<unknown> {
    if (error instanceof BerthError) return error;
    const { rescueFile, store } = this.#options;
    const text = `${JSON.stringify(this.#document, undefined, 2)}\n`;
    await writePrivateFile(rescueFile, text, { mayExist: true });
    return new BerthError({
      code: "StateUnsaved",
      message: `can't save the state to ${store.location}; it was kept in ${rescueFile}`,
      hint: "run the same command again when the store answers: the kept document is merged",
      cause: error,
    });
  }
}
