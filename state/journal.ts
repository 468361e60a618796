import { BerthError } from "../lib/errors.ts";
import { writePrivateFile } from "../lib/private-files.ts";
import type { StateDocument } from "./document.ts";
import type { Loaded, StateStore } from "./store.ts";

export interface JournalOptions {
  readonly store: StateStore;
  readonly start: Loaded | { readonly document: StateDocument; readonly etag?: undefined };
  /** Identifies this run in the document. */
  readonly writer: string;
  /** Where the document is left when the store can't be reached any more. */
  readonly rescueFile: string;
}

/**
 * The state document during a run. Changes are noted in memory at once and saved in the background, one save at a
 * time; those that come while one is under way are saved together by the next. After a save that failed for good,
 * `assertHealthy` throws: it is asked before each AWS write.
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

  /** Notes a change; it is on its way to the store when this returns. */
  note(change: (document: StateDocument) => StateDocument): void {
    this.#document = change(this.#document);
    this.#dirty = true;
    this.#saving ??= this.#saveAll();
  }

  /** Returns when all that was noted is in the store; throws when it can't be. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    this.assertHealthy();
  }

  assertHealthy(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #saveAll(): Promise<void> {
    // Starting in the next turn lets changes noted together be saved together.
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

  /** Another writer's document wins; an unreachable store must not cost the ids that only this process knows. */
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
