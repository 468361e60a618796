import {
  DeleteObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { z } from "zod";
import type { ObjectStore } from "../../../state/object-store.ts";
import { openS3Store } from "../../../state/s3-store.ts";
import { unlessAbsent } from "../../aws/errors.ts";
import type { AgentBundle } from "../../host/bundle.ts";
import { findDocument, type StoredDocument, writeDocument } from "../../release/stored-document.ts";
import { shortHash } from "../../short-hash.ts";
import { fieldDifference } from "../../contract/difference.ts";
import type { Observed, ReadContext, Resource, WriteContext } from "../../contract/resource.ts";

export interface AgentDesired {
  readonly bucket: string;
  readonly bundle: AgentBundle;
}

export interface ObservedAgent extends Observed {
  /** The hash of the published bundle; `unreadable` if the pointer can't be parsed. */
  readonly sha256: string;
  /** When it was published. */
  readonly at?: string | undefined;
  readonly etag: string;
  /** The state of the desired bundle in the bucket. */
  readonly bundle: "whole" | "missing" | "damaged";
}

export interface AgentOptions extends AgentDesired {
  /** The caller's ARN, stored in the pointer. */
  readonly by: string;
}

/** The pointer to the desired bundle, which each host's launcher reads. `at` distinguishes two publications of one bundle. */
export const agentKey = "agent.json";
export const bundleKey = (sha256: string): string => `agent/${sha256}.tar.gz`;
const bundleName = /^agent\/[0-9a-f]{64}\.tar\.gz$/;

const pointer = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.string().max(64),
  by: z.string().max(2048),
});

/**
 * The published program that hosts run: a bundle named by the hash of its content, and a pointer to it. Hosts update
 * themselves; this resource doesn't wait for them.
 */
export function agentResource(options: AgentOptions): Resource<AgentDesired, ObservedAgent> {
  const { bucket, by } = options;
  const open = (ctx: ReadContext) => openS3Store({ client: ctx.clients.s3, bucket, account: ctx.account });

  const point = async (ctx: WriteContext, sha256: string, etag?: string): Promise<void> => {
    const content = { sha256, at: new Date().toISOString(), by };
    const conflict = { code: "AgentConflict", resource: "agent" };
    await writeDocument(open(ctx), { key: agentKey, content, etag, conflict });
  };

  return {
    kind: "agent",

    find: async (ctx) => {
      const [found, bundle] = await Promise.all([findPointer(open(ctx)), readBundle(ctx, options)]);
      if (found === undefined) return undefined;
      const { etag, content } = found;
      const sha256 = content?.sha256 ?? "unreadable";
      return { id: agentKey, tags: {}, sha256, at: content?.at, etag, bundle };
    },

    // The bundle is written first, so that a host that reads the pointer finds it.
    create: async (ctx, _identity, desired) => {
      await putBundle(ctx, desired);
      await point(ctx, desired.bundle.sha256);
      return agentKey;
    },

    attributes: (desired) => [{ field: "sha256", value: desired.bundle.sha256 }],

    differences: (_identity, desired, observed) =>
      observed.sha256 === desired.bundle.sha256
        ? fieldDifference("bundle", { desired: "whole", observed: observed.bundle })
        : fieldDifference("bundle", {
            desired: shortHash(desired.bundle.sha256),
            observed: shortHash(observed.sha256),
          }),

    update: async (ctx, { desired, observed }) => {
      const { sha256 } = desired.bundle;
      if (observed.bundle !== "whole") await putBundle(ctx, desired);
      // For a damaged bundle too: a host that refused it tries again only what is published anew.
      await point(ctx, sha256, observed.etag);
      await removeOthers(ctx, bucket, [sha256, observed.sha256]);
    },

    // Deleting the bucket deletes both.
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
  };
}

/** Reads which agent the hosts should run. */
export const findPointer = (
  store: ObjectStore,
): Promise<StoredDocument<z.output<typeof pointer>> | undefined> => findDocument(store, agentKey, pointer);

const checksumOf = (sha256: string): string => Buffer.from(sha256, "hex").toString("base64");

async function readBundle(ctx: ReadContext, desired: AgentDesired): Promise<ObservedAgent["bundle"]> {
  const { sha256, content } = desired.bundle;
  const head = new HeadObjectCommand({
    Bucket: desired.bucket,
    Key: bundleKey(sha256),
    ExpectedBucketOwner: ctx.account,
    ChecksumMode: "ENABLED",
  });
  const found = await unlessAbsent(ctx.clients.s3.send(head));
  if (found === undefined) return "missing";
  const isWhole = found.ContentLength === content.length && found.ChecksumSHA256 === checksumOf(sha256);
  return isWhole ? "whole" : "damaged";
}

/** Writes without a condition: the name is the content's hash, so only a damaged bundle can be overwritten by this. */
async function putBundle(ctx: WriteContext, { bucket, bundle }: AgentDesired): Promise<void> {
  const put = new PutObjectCommand({
    Bucket: bucket,
    Key: bundleKey(bundle.sha256),
    ExpectedBucketOwner: ctx.account,
    Body: bundle.content,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: checksumOf(bundle.sha256),
    ContentType: "application/gzip",
  });
  await ctx.clients.s3.send(put);
}

/** Removes all other bundles. `kept` includes the previous one, to which a host returns if the new agent fails. */
async function removeOthers(ctx: WriteContext, bucket: string, kept: readonly string[]): Promise<void> {
  const on = { Bucket: bucket, ExpectedBucketOwner: ctx.account };
  const keys = new Set(kept.map(bundleKey));
  for await (const page of paginateListObjectsV2({ client: ctx.clients.s3 }, { ...on, Prefix: "agent/" })) {
    for (const { Key = "" } of page.Contents ?? []) {
      if (!bundleName.test(Key) || keys.has(Key)) continue;
      await ctx.clients.s3.send(new DeleteObjectCommand({ ...on, Key }));
    }
  }
}
