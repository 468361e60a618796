import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  paginateListBuckets,
  type Bucket,
  type BucketLocationConstraint,
  type CreateBucketConfiguration,
} from "@aws-sdk/client-s3";
import {
  isConflict,
  isDenied,
  isOthersBucket,
  isOwnBucket,
  unlessAbsent,
  unlessNotConfigured,
} from "../../aws/errors.ts";
import { bucketName } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { BerthError } from "../../errors.ts";
import { type Look, lookUntil, retry } from "../../poll.ts";
import { stackTag, type Tags } from "../../owner.ts";
import { updateBucket } from "./bucket-changes.ts";
import { emptyBucket } from "./bucket-contents.ts";
import {
  bearsMark,
  deniesPlainHttp,
  expiresOldVersions,
  readBucket,
  type ObservedBucket,
} from "./bucket-settings.ts";
import { fieldDifference } from "../../contract/difference.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";
import type { Resource, ReadContext, WriteContext } from "../../contract/resource.ts";

export type { ObservedBucket };

export interface BucketDesired {
  /** Must be the name that `bucketName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
}

const kind = "bucket";
const namePrefix = "berth-";
const creationTimeoutMs = 5 * 60_000;
const tagsPauseMs = 1_000;

/** The bucket for state, lease, agent, release and the hosts' reports. */
export const bucket: Resource<BucketDesired, ObservedBucket> = {
  kind,

  async find(ctx, identity, known) {
    const name = bucketName(ctx, identity);
    const found = await findTagged(ctx, name);
    return found && refuseStranger(identity, found, { kind, known, marked: bearsMark(found) });
  },

  async create(ctx, identity, { name }) {
    await createBucket(ctx, name, identity.tags);
    return name;
  },

  attributes: ({ name }) => [{ field: "", value: name }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename a bucket",
    }),
    ...fieldDifference("public-access", {
      desired: "blocked",
      observed: observed.publicAccessBlocked ? "blocked" : "not blocked",
    }),
    ...fieldDifference("ownership", { desired: "BucketOwnerEnforced", observed: observed.ownership }),
    ...fieldDifference("versioning", { desired: "Enabled", observed: observed.versioning }),
    ...fieldDifference("encryption", { desired: "AES256", observed: observed.encryption }),
    ...fieldDifference("policy", {
      desired: "denies plain HTTP",
      observed: deniesPlainHttp(observed) ? "denies plain HTTP" : "allows plain HTTP",
    }),
    ...fieldDifference("lifecycle", {
      desired: "expires old versions",
      observed: expiresOldVersions(observed) ? "expires old versions" : "keeps old versions",
    }),
    ...identityDifferences(identity, observed),
  ],

  update: (ctx, change) => updateBucket(ctx, change),

  remove: (ctx, id) => removeBucket(ctx, id, () => emptyBucket(ctx, id)),

  async list(ctx, stack) {
    const names: string[] = [];
    const query = { Prefix: namePrefix, BucketRegion: ctx.region };
    for await (const page of paginateListBuckets({ client: ctx.clients.s3, pageSize: 1000 }, query)) {
      names.push(...(page.Buckets ?? []).filter(isHere(ctx)).flatMap((one) => one.Name ?? []));
    }
    // S3's list of buckets doesn't include their tags.
    const tagged = await Promise.all(
      names.map(async (id) => ({ id, tags: (await unlessAbsent(readTags(ctx, id))) ?? {} })),
    );
    return toListed(kind, stack, tagged);
  },
};

/** S3 may show a new bucket before its tags. Whoever didn't make it would take it for a stranger's. */
async function findTagged(ctx: ReadContext, name: string): Promise<ObservedBucket | undefined> {
  const read = () => unlessAbsent(refuseOtherAccount(ctx, name, readBucket(ctx, name)));
  let found: ObservedBucket | undefined;
  const look = async (): Promise<Look<true>> => {
    found = await read();
    const isShown = found === undefined || found.tags[stackTag] !== undefined || bearsMark(found);
    return isShown ? { done: true } : { waiting: `bucket ${name} has no tags that say whose it is` };
  };
  const twice = { ...ctx, timings: { firstMs: tagsPauseMs } };
  await lookUntil(twice, { what: `the tags of bucket ${name}`, timeoutMs: tagsPauseMs, look });
  return found;
}

/** Removes the bucket. `empty` runs before each attempt, because a host may have written its report meanwhile. */
export async function removeBucket(ctx: WriteContext, id: string, empty: () => Promise<void>): Promise<void> {
  await removeUntilGone(ctx, {
    what: `bucket ${id}`,
    attempt: async () => {
      await empty();
      await ctx.clients.s3.send(new DeleteBucketCommand({ Bucket: id, ExpectedBucketOwner: ctx.account }));
    },
    listed: () => exists(ctx, id),
    blockers: async () => ["objects written meanwhile"],
  });
}

/** The only bucket call without ExpectedBucketOwner, because the bucket has no owner yet. */
async function createBucket(ctx: WriteContext, name: string, tags: Tags): Promise<void> {
  const place: CreateBucketConfiguration = isConstraint(ctx.region) ? { LocationConstraint: ctx.region } : {};
  const command = new CreateBucketCommand({
    Bucket: name,
    ObjectOwnership: "BucketOwnerEnforced",
    CreateBucketConfiguration: { ...place, Tags: toTagList(tags) },
  });
  try {
    await retry(ctx, {
      what: `bucket ${name} to be made: S3 takes a while to remove an earlier one of that name`,
      timeoutMs: creationTimeoutMs,
      retryOn: isConflict,
      attempt: () => ctx.clients.s3.send(command),
    });
  } catch (error) {
    if (isOthersBucket(error)) throw takenElsewhere(name, error);
    // In us-east-1 the same call succeeds. In any case the bucket's owner is checked before it is changed.
    if (!isOwnBucket(error)) throw error;
  }
}

/** Filters again, because some endpoints ignore the query. A bucket listed without a region counts as in this one. */
const isHere =
  ({ region }: ReadContext) =>
  ({ Name = "", BucketRegion = region }: Bucket): boolean =>
    Name.startsWith(namePrefix) && BucketRegion === region;

/** us-east-1 is the only region that must not be sent as a location constraint. */
function isConstraint(region: string): region is BucketLocationConstraint {
  return region !== "us-east-1";
}

async function readTags(ctx: ReadContext, name: string): Promise<Tags> {
  const command = new GetBucketTaggingCommand({ Bucket: name, ExpectedBucketOwner: ctx.account });
  const answer = await unlessNotConfigured(ctx.clients.s3.send(command));
  return fromTagList(answer?.TagSet);
}

async function exists(ctx: ReadContext, name: string): Promise<boolean> {
  const command = new HeadBucketCommand({ Bucket: name, ExpectedBucketOwner: ctx.account });
  return (await unlessAbsent(ctx.clients.s3.send(command))) !== undefined;
}

/** Distinguishes another account's bucket from one that the caller may not read. Only the own account's buckets are listed. */
async function refuseOtherAccount<T>(ctx: ReadContext, name: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!isDenied(error)) throw error;
    const { Buckets = [] } = await ctx.clients.s3.send(
      new ListBucketsCommand({ Prefix: name, MaxBuckets: 100 }),
    );
    throw Buckets.some((one) => one.Name === name) ? error : takenElsewhere(name, error);
  }
}

function takenElsewhere(name: string, cause: unknown): BerthError {
  return new BerthError({
    code: "ForeignResource",
    message: `the bucket ${name} belongs to another AWS account`,
    hint: "give the stack another name in berth.yaml",
    cause,
  });
}
