import { z } from "zod";
import type { ObjectStore } from "../../state/object-store.ts";
import { text } from "./schema.ts";
import { findDocument, type StoredDocument, writeDocument } from "./stored-document.ts";

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

/** @throws BerthError `HttpsConflict` if the stored version is no longer the one to replace. */
export async function publishHttps(
  store: ObjectStore,
  { content, by, etag }: { readonly content: HttpsContent; readonly by: string; readonly etag?: string },
): Promise<void> {
  await writeDocument(store, {
    key: httpsKey,
    content: { ...content, at: new Date().toISOString(), by },
    etag,
    conflict: { code: "HttpsConflict", resource: "https" },
  });
}

export const findHttps = (store: ObjectStore): Promise<StoredDocument<HttpsContent> | undefined> =>
  findDocument(store, httpsKey, document);
