import { HeadBucketCommand } from "@aws-sdk/client-s3";
import { isNotFound } from "../../../lib/aws/errors.ts";
import { refuse } from "../reply.ts";
import type { Behind, Rule } from "../rule.ts";
import { bucketOf } from "../s3-operation.ts";

/** S3 refuses a call when the bucket doesn't belong to the expected owner. */
export function bucketOwner(account: string, behind: Behind): Rule {
  return async (request, next) => {
    const expected = request.headers["x-amz-expected-bucket-owner"];
    if (request.service !== "s3" || expected === undefined || expected === account) return next(request);
    // For a missing bucket, S3 reports that first.
    if (!(await exists(behind, request.region, bucketOf(request.url)))) return next(request);
    return refuse(request, { status: 403, code: "AccessDenied", message: "Access Denied" });
  };
}

async function exists(behind: Behind, region: string, bucket: string): Promise<boolean> {
  try {
    await behind.clients(region).s3.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
