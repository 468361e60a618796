import { openS3Store } from "../../../state/s3-store.ts";
import { findHttps, type HttpsContent, httpsKey, publishHttps } from "../../release/https.ts";
import type { StoredDocument } from "../../release/stored-document.ts";
import { fieldDifference } from "../../contract/difference.ts";
import type { Observed, ReadContext, Resource } from "../../contract/resource.ts";

export interface ObservedHttps extends Observed, StoredDocument<HttpsContent> {}

export interface HttpsOptions {
  readonly bucket: string;
  /** The caller's ARN, stored in the document. */
  readonly by: string;
}

/**
 * What the hosts are told of certificates. They get and renew them by themselves; this resource doesn't wait for them, so
 * that nothing about a certificate can make a run fail.
 */
export function httpsResource({ bucket, by }: HttpsOptions): Resource<HttpsContent, ObservedHttps> {
  const open = ({ clients, account }: ReadContext) => openS3Store({ client: clients.s3, bucket, account });
  return {
    kind: "https",

    find: async (ctx) => {
      const found = await findHttps(open(ctx));
      return found && { id: httpsKey, tags: {}, ...found };
    },

    create: async (ctx, _identity, content) => {
      await publishHttps(open(ctx), { content, by });
      return httpsKey;
    },

    attributes: ({ isOn, names }) => [
      { field: "", value: isOn ? `a certificate for ${names.join(", ") || "the address"}` : "off" },
    ],

    differences: (_identity, desired, { content }) => {
      if (content === undefined)
        return fieldDifference("document", { desired: "whole", observed: "unreadable" });
      const fields = ["isOn", "address", "directory", "email", "hstsSeconds"] as const;
      return [
        ...fieldDifference("names", {
          desired: desired.names.join(", "),
          observed: content.names.join(", "),
        }),
        ...fields.flatMap((field) =>
          fieldDifference(field, { desired: desired[field], observed: content[field] }),
        ),
      ];
    },

    update: (ctx, { desired, observed }) =>
      publishHttps(open(ctx), { content: desired, by, etag: observed.etag }),

    // Deleting the bucket deletes it.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}
