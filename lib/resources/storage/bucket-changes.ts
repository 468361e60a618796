import {
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { isConflict, isNotFound } from "../../aws/errors.ts";
import { retry } from "../../poll.ts";
import { toTagList } from "../../aws/tags.ts";
import type { Tags } from "../../owner.ts";
import { proveConditions } from "./bucket-proof.ts";
import {
  lifecycleWithOurs,
  policyWithOurs,
  publicAccessBlock,
  type ObservedBucket,
} from "./bucket-settings.ts";
import { concerns } from "../../contract/difference.ts";
import type { Change, ReadContext, WriteContext } from "../../contract/resource.ts";

type BucketChange = Change<unknown, ObservedBucket>;

/** Makes one change at a time, because S3 refuses concurrent changes of a bucket. Public access is blocked first. */
export async function updateBucket(ctx: WriteContext, change: BucketChange): Promise<void> {
  for (const [field, step] of Object.entries(steps)) {
    if (!concerns(change.differences, field)) continue;
    await retry(ctx, {
      what: `${field} of bucket ${change.observed.id}`,
      timeoutMs: 60_000,
      // A new bucket isn't visible everywhere yet.
      retryOn: (error) => isConflict(error) || isNotFound(error),
      attempt: () => step(ctx, change),
    });
  }
}

const steps: Record<string, (ctx: WriteContext, change: BucketChange) => Promise<unknown>> = {
  "public-access": (ctx, change) => {
    const input = { ...owned(ctx, change), PublicAccessBlockConfiguration: publicAccessBlock };
    return ctx.clients.s3.send(new PutPublicAccessBlockCommand(input));
  },
  ownership: (ctx, change) => {
    const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
    return ctx.clients.s3.send(
      new PutBucketOwnershipControlsCommand({ ...owned(ctx, change), OwnershipControls }),
    );
  },
  policy: (ctx, change) => {
    const Policy = JSON.stringify(policyWithOurs(change.observed));
    return ctx.clients.s3.send(new PutBucketPolicyCommand({ ...owned(ctx, change), Policy }));
  },
  versioning: (ctx, change) => {
    const VersioningConfiguration = { Status: "Enabled" as const };
    return ctx.clients.s3.send(
      new PutBucketVersioningCommand({ ...owned(ctx, change), VersioningConfiguration }),
    );
  },
  encryption: (ctx, change) => {
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const } }];
    const input = { ...owned(ctx, change), ServerSideEncryptionConfiguration: { Rules } };
    return ctx.clients.s3.send(new PutBucketEncryptionCommand(input));
  },
  // The last setting. So a bucket that has it was proven, or is proven by the next run.
  lifecycle: async (ctx, change) => {
    await proveConditions(ctx, change.observed.id);
    const LifecycleConfiguration = { Rules: lifecycleWithOurs(change.observed) };
    return ctx.clients.s3.send(
      new PutBucketLifecycleConfigurationCommand({ ...owned(ctx, change), LifecycleConfiguration }),
    );
  },
  // S3 replaces all tags at once, so the user's tags are sent too. AWS's own tags can't be sent.
  tags: (ctx, { identity, observed }) => {
    const theirs = Object.entries(observed.tags).filter(([key]) => !key.startsWith("aws:"));
    return putTags(ctx, observed.id, { ...Object.fromEntries(theirs), ...identity.tags });
  },
};

function owned(ctx: ReadContext, { observed }: BucketChange) {
  return { Bucket: observed.id, ExpectedBucketOwner: ctx.account };
}

async function putTags(ctx: WriteContext, name: string, tags: Tags): Promise<void> {
  const Tagging = { TagSet: toTagList(tags) };
  await ctx.clients.s3.send(
    new PutBucketTaggingCommand({ Bucket: name, ExpectedBucketOwner: ctx.account, Tagging }),
  );
}
