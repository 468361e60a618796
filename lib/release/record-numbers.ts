import { paginateListObjectsV2 } from "@aws-sdk/client-s3";
import type { BucketLocation } from "../../state/s3-store.ts";
import { isNotFound } from "../aws/errors.ts";
import { number } from "./schema.ts";

const mostPages = 20;

/**
 * The highest number that a release on record has; 0 without any. Only asked where the published release is lost: else its
 * number is the highest.
 */
export async function findHighestNumber({ client, bucket, account }: BucketLocation): Promise<number> {
  const query = { Bucket: bucket, Prefix: "releases/", ExpectedBucketOwner: account };
  let highest = 0;
  let pages = 0;
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, query)) {
      highest = Math.max(highest, ...Contents.map(({ Key = "" }) => numberOf(Key)));
      pages += 1;
      if (pages === mostPages) break;
    }
  } catch (error) {
    // Without a bucket there are no records.
    if (!isNotFound(error)) throw error;
  }
  return highest;
}

/** Anybody who may write to the bucket may have put other objects there. */
function numberOf(key: string): number {
  const digits = /^releases\/([1-9][0-9]{0,9})\.json$/.exec(key)?.[1];
  return number.safeParse(Number(digits)).data ?? 0;
}
