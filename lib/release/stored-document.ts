import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { BerthError } from "../errors.ts";
import { parseStrictJson } from "../strict-json.ts";

/** One of the documents in the state bucket that tell the hosts what is desired. */
export interface StoredDocument<Content> {
  /** Of the version that was read. */
  readonly etag: string;
  /** Absent if the document can't be parsed. */
  readonly content?: Content;
}

/** Reads a document with which nothing is lost: one that can't be parsed is written again. */
export async function findDocument<Content>(
  store: ObjectStore,
  key: string,
  schema: z.ZodType<Content>,
): Promise<StoredDocument<Content> | undefined> {
  const found = await store.get(key);
  if (found === undefined) return undefined;
  const { etag, body } = found;
  try {
    return { etag, content: schema.parse(parseStrictJson(body)) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return { etag };
    throw error;
  }
}

interface Writing {
  readonly key: string;
  readonly content: object;
  /** Of the version to replace; absent if there must be none. */
  readonly etag?: string | undefined;
  /** How the error for a lost race is told. */
  readonly conflict: { readonly code: string; readonly resource: string };
}

/** @throws BerthError with the conflict's code if the stored version is no longer the one to replace. */
export async function writeDocument(
  store: ObjectStore,
  { key, content, etag, conflict }: Writing,
): Promise<void> {
  const outcome = await store.put(key, `${JSON.stringify(content, undefined, 2)}\n`, etag);
  if (outcome !== "lost") return;
  throw new BerthError({
    ...conflict,
    message: `somebody else wrote ${store.location}/${key} at the same time; it was not overwritten`,
    hint: "run the same command again: it compares with what is there now",
  });
}
