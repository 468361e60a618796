import { isOk, refuse, type Refusal } from "../reply.ts";
import type { AwsRequest } from "../request.ts";
import type { Rule } from "../rule.ts";
import { bucketOf } from "../s3-operation.ts";

export interface LateBuckets {
  /** How many reads of each kind don't find a new bucket yet. */
  readonly reads: number;
  /** How many reads after that show the new bucket without tags. */
  readonly tags: number;
  /** How many calls don't find a new object, once versioning was switched on. */
  readonly objects: number;
  /** How many times a name can't be used again after its bucket was deleted. */
  readonly deletions: number;
}

const missingBucket: Refusal = {
  status: 404,
  code: "NoSuchBucket",
  message: "The specified bucket does not exist",
};
const missingTags: Refusal = { status: 404, code: "NoSuchTagSet", message: "The TagSet does not exist" };
const missingObject: Refusal = {
  status: 404,
  code: "NoSuchKey",
  message: "The specified key does not exist.",
};
const stillDeleting: Refusal = {
  status: 409,
  code: "OperationAborted",
  message: "A conflicting conditional operation is currently in progress against this resource.",
};

const settings = /^(GetBucket|GetPublicAccessBlock|HeadBucket)/;

/**
 * The configuration of buckets is eventually consistent, and a bucket whose versioning has just been switched on may
 * hide new objects: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
 */
export function lateBuckets({ reads, tags, objects, deletions }: LateBuckets): Rule {
  const late = new Countdowns();
  return async (request, next) => {
    if (request.service !== "s3") return next(request);
    const { operation, url } = request;
    const bucket = bucketOf(url);
    const object = objectOf(url);
    const refused =
      (operation === "CreateBucket" && late.take(`deleted ${bucket}`) && stillDeleting) ||
      (settings.test(operation) && late.take(`${operation} ${bucket}`, `new ${bucket}`) && missingBucket) ||
      (operation === "GetBucketTagging" && late.take(`tags ${bucket}`) && missingTags) ||
      (needsObject(request) && late.take(`object ${object}`) && missingObject);
    if (refused !== false) return refuse(request, refused);
    const reply = await next(request);
    if (isOk(reply)) begin(request);
    return reply;
  };

  function begin({ operation, url }: AwsRequest): void {
    const bucket = bucketOf(url);
    if (operation === "CreateBucket" && late.isNew(`made ${bucket}`)) {
      late.start(`new ${bucket}`, reads);
      late.start(`tags ${bucket}`, tags);
    }
    if (operation === "DeleteBucket") {
      late.forget(bucket);
      late.start(`deleted ${bucket}`, deletions);
    }
    if (operation === "PutBucketVersioning") late.isNew(`versioned ${bucket}`);
    const isHidden = operation === "PutObject" && late.has(`versioned ${bucket}`);
    if (isHidden && late.isNew(`put ${objectOf(url)}`)) late.start(`object ${objectOf(url)}`, objects);
  }
}

const objectOf = (url: string): string => decodeURIComponent(new URL(url, "http://s3").pathname.slice(1));

function needsObject({ operation, headers }: AwsRequest): boolean {
  const isConditional = headers["if-match"] !== undefined;
  return (
    ["GetObject", "HeadObject"].includes(operation) ||
    (["PutObject", "DeleteObject"].includes(operation) && isConditional)
  );
}

/** What is left of each delay, counted in calls. */
class Countdowns {
  readonly #left = new Map<string, number>();

  start(name: string, calls: number): void {
    this.#left.set(name, calls);
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  /** True the first time. */
  isNew(name: string): boolean {
    const isNew = !this.#left.has(name);
    this.start(name, this.#left.get(name) ?? 0);
    return isNew;
  }

  /** Whether one more call is delayed. A delay that hasn't been seen begins like the one after which it is named. */
  take(name: string, like = name): boolean {
    const left = this.#left.get(name) ?? this.#left.get(like) ?? 0;
    if (left > 0 || this.#left.has(name)) this.#left.set(name, Math.max(0, left - 1));
    return left > 0;
  }

  /** Forgets everything about a bucket that was deleted. */
  forget(bucket: string): void {
    for (const name of this.#left.keys()) {
      if (name.endsWith(` ${bucket}`) || name.includes(` ${bucket}/`)) this.#left.delete(name);
    }
  }
}
