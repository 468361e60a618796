import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { BerthError } from "../errors.ts";
import { parseStrictJson } from "../strict-json.ts";
import { text } from "./schema.ts";

/**
 * What the hosts are told of HTTPS. It belongs to the stack and to no release: a rollback must not take a domain away, and
 * the address is known only after the first release serves.
 */
const httpsContent = z.object({
  isOn: z.boolean(),
  /** The stack's Elastic IP. Only the host that has it asks for a certificate. */
  address: z.ipv4(),
  /** The domains. Without any, the certificate is for the address. */
  names: z.array(z.string().max(253)).max(10),
  /** The URL of the authority's ACME directory. */
  directory: text,
  email: text.optional(),
  /** For how long browsers are told to use HTTPS only; for domains alone. */
  hstsSeconds: z.int().min(0),
});

export type HttpsContent = Readonly<z.output<typeof httpsContent>>;

const document = httpsContent.extend({ at: text, by: text });

/** The document in the state bucket. `up` writes it, and the hosts read it. */
export const httpsKey = "https.json";
/** What the hosts keep of certificates: account key, certificate and its key. No command of Berth's reads it. */
export const certificatePrefix = "tls/";

export interface PublishedHttps {
  readonly etag: string;
  /** Absent if the document can't be parsed. Nothing is lost: it is written again. */
  readonly content?: HttpsContent;
}

export async function findHttps(store: ObjectStore): Promise<PublishedHttps | undefined> {
  const found = await store.get(httpsKey);
  if (found === undefined) return undefined;
  const { etag } = found;
  try {
    return { etag, content: document.parse(parseStrictJson(found.body)) };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return { etag };
    throw error;
  }
}

/** @throws BerthError `HttpsConflict` if the stored version is no longer the one to replace. */
export async function publishHttps(
  store: ObjectStore,
  { content, by, etag }: { readonly content: HttpsContent; readonly by: string; readonly etag?: string },
): Promise<void> {
  const body = JSON.stringify({ ...content, at: new Date().toISOString(), by }, undefined, 2);
  if ((await store.put(httpsKey, `${body}\n`, etag)) === "lost") throw httpsConflict(store.location);
}

function httpsConflict(location: string): BerthError {
  return new BerthError({
    code: "HttpsConflict",
    message: `somebody else wrote ${location}/${httpsKey} at the same time; it was not overwritten`,
    hint: "run the same command again: it compares with what the hosts are told now",
    resource: "https",
  });
}
