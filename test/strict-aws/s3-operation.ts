import type { IncomingHttpHeaders } from "node:http";

// Query parameters that select another operation on a bucket, each with the noun in the operation's name.
const bucketSettings: Record<string, string> = {
  encryption: "BucketEncryption",
  lifecycle: "BucketLifecycleConfiguration",
  location: "BucketLocation",
  ownershipControls: "BucketOwnershipControls",
  policy: "BucketPolicy",
  publicAccessBlock: "PublicAccessBlock",
  tagging: "BucketTagging",
  versioning: "BucketVersioning",
};

const objectSettings: Record<string, string> = { acl: "ObjectAcl", tagging: "ObjectTagging" };

// For this setting, S3's Delete… operation has a shorter name than Put….
const shorterWhenDeleted: Record<string, string> = { BucketLifecycleConfiguration: "BucketLifecycle" };

const verbs: Record<string, string> = {
  GET: "Get",
  PUT: "Put",
  DELETE: "Delete",
  HEAD: "Head",
  POST: "Post",
};

/** The SDK's name of the operation, from a path-style request. */
export function s3Operation(method: string, url: string, headers: IncomingHttpHeaders): string {
  const { pathname, searchParams: query } = new URL(url, "http://s3");
  const [, bucket = "", ...key] = pathname.split("/");
  const verb = verbs[method] ?? method;
  if (bucket === "") return "ListBuckets";
  return key.join("/") === "" ? bucketOperation(verb, query) : objectOperation(verb, query, headers);
}

function bucketOperation(verb: string, query: URLSearchParams): string {
  if (query.has("delete")) return "DeleteObjects";
  if (query.has("versions")) return "ListObjectVersions";
  if (query.has("uploads")) return "ListMultipartUploads";
  const setting = Object.entries(bucketSettings).find(([name]) => query.has(name))?.[1];
  if (setting !== undefined) {
    return `${verb}${verb === "Delete" ? (shorterWhenDeleted[setting] ?? setting) : setting}`;
  }
  if (verb === "Get") return query.has("list-type") ? "ListObjectsV2" : "ListObjects";
  return verb === "Put" ? "CreateBucket" : `${verb}Bucket`;
}

function objectOperation(verb: string, query: URLSearchParams, headers: IncomingHttpHeaders): string {
  if (query.has("uploads")) return "CreateMultipartUpload";
  if (query.has("uploadId")) return multipartOperation(verb);
  const setting = Object.entries(objectSettings).find(([name]) => query.has(name))?.[1];
  if (setting !== undefined) return `${verb}${setting}`;
  return verb === "Put" && headers["x-amz-copy-source"] !== undefined ? "CopyObject" : `${verb}Object`;
}

function multipartOperation(verb: string): string {
  const names: Record<string, string> = {
    Get: "ListParts",
    Put: "UploadPart",
    Post: "CompleteMultipartUpload",
    Delete: "AbortMultipartUpload",
  };
  return names[verb] ?? verb;
}

export function bucketOf(url: string): string {
  return decodeURIComponent(new URL(url, "http://s3").pathname.split("/")[1] ?? "");
}
