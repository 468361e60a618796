import { credentialTrouble, isNoCredentials } from "./credential-errors.ts";

/** AWS's error code, for example `InvalidVpcID.NotFound`. Empty for an error that didn't come from AWS. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.name;
}

const notFound = new Set([
  "DashboardNotFoundError",
  "NoSuchBucket",
  "NoSuchKey",
  "NoSuchVersion",
  "NoSuchEntity",
  "NoSuchEntityException",
  "NoSuchHostedZone",
  "NotFound",
  "NotFoundException",
  "RepositoryNotFoundException",
  "ImageNotFoundException",
  "LifecyclePolicyNotFoundException",
  "ParameterNotFound",
  "ResourceNotFound",
  "ResourceNotFoundException",
  "Gateway.NotAttached",
]);

/** What the call refers to doesn't exist: it never did, or it has been deleted. */
export function isNotFound(error: unknown): boolean {
  const code = errorCode(error);
  return notFound.has(code) || /^Invalid\w+\.NotFound$/.test(code);
}

/** The answer, or undefined when what the call refers to doesn't exist. */
export async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The answer, or undefined when there is no such image: it was deregistered, isn't available, isn't shared with the
 * account, or its id is malformed.
 */
export async function unlessNoImage<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNoImage(error)) return undefined;
    throw error;
  }
}

const isNoImage = (error: unknown): boolean => errorCode(error).startsWith("InvalidAMIID.");

const notConfigured = new Set([
  "NoSuchTagSet",
  "NoSuchTagSetError",
  "NoSuchBucketPolicy",
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "OwnershipControlsNotFoundError",
  "ServerSideEncryptionConfigurationNotFoundError",
]);

/** The bucket exists, but doesn't have the setting. */
const isNotConfigured = (error: unknown): boolean => notConfigured.has(errorCode(error));

/** The setting, or undefined when the bucket has none. */
export async function unlessNotConfigured<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotConfigured(error)) return undefined;
    throw error;
  }
}

/** The bucket's name is taken: by the caller's own account, or by another one. */
export const isOwnBucket = (error: unknown): boolean => errorCode(error) === "BucketAlreadyOwnedByYou";
export const isOthersBucket = (error: unknown): boolean => errorCode(error) === "BucketAlreadyExists";

/** No such instance type. AWS uses both codes. */
export function isUnknownInstanceType(error: unknown): boolean {
  return ["InvalidInstanceType", "InvalidParameterValue"].includes(errorCode(error));
}

const alreadyExists = new Set([
  "BucketAlreadyOwnedByYou",
  "EntityAlreadyExists",
  "EntityAlreadyExistsException",
  "InvalidGroup.Duplicate",
  "InvalidPermission.Duplicate",
  "ParameterAlreadyExists",
  "RepositoryAlreadyExistsException",
  "ResourceAlreadyExistsException",
  "Resource.AlreadyAssociated",
  "Resource.AlreadyAttached",
  "RouteAlreadyExists",
]);

/** What was to be created exists already: made by an earlier attempt, or by somebody else. */
export const isAlreadyExists = (error: unknown): boolean => alreadyExists.has(errorCode(error));

const inUse = new Set([
  "DependencyViolation",
  "DeleteConflict",
  "DeleteConflictException",
  "InvalidGroup.InUse",
  "InvalidIPAddress.InUse",
  "BucketNotEmpty",
  "IncorrectState",
  "VolumeInUse",
]);

/** Something still uses what is to be deleted. The call succeeds once that is deleted. */
export const isDependencyViolation = (error: unknown): boolean => inUse.has(errorCode(error));

const conflict = new Set([
  "OperationAborted",
  "ConditionalRequestConflict",
  "ConcurrentAccess",
  "ConcurrentAccessException",
  "ConcurrentModification",
  "ConcurrentModificationException",
  "PriorRequestNotComplete",
]);

/** Two changes collided. The same call succeeds when it is repeated. */
export const isConflict = (error: unknown): boolean => conflict.has(errorCode(error));

/** Route 53 carried out nothing: a record to be created exists, or one to be deleted isn't as the call says. */
export const isRefusedBatch = (error: unknown): boolean => errorCode(error) === "InvalidChangeBatch";

/** Another subnet of the VPC has addresses of the block. */
export const isBlockTaken = (error: unknown): boolean => errorCode(error) === "InvalidSubnet.Conflict";

/** S3 refuses a conditional call: there is another version, or one at all. */
export const isPreconditionFailed = (error: unknown): boolean => errorCode(error) === "PreconditionFailed";

/** A server that speaks S3's protocol doesn't have the call, or not with this header. */
export const isNotSupported = (error: unknown): boolean =>
  ["NotImplemented", "MethodNotAllowed"].includes(errorCode(error)) || statusOf(error) === 501;

const throttle = new Set([
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
  "ThrottledException",
  "TooManyRequestsException",
]);

export const isThrottle = (error: unknown): boolean => throttle.has(errorCode(error));

/**
 * Something that the call refers to was created a moment ago and isn't visible everywhere yet. AWS doesn't say this
 * about anything older.
 */
export function isNotYetVisible(error: unknown): boolean {
  // CreateTags answers InvalidID for any id that it doesn't know, whatever the kind.
  const others = ["IncorrectInstanceState", "InvalidID"];
  return isNotFound(error) || isProfileNotYetVisible(error) || others.includes(errorCode(error));
}

/**
 * RunInstances and similar calls see a new instance profile, or a new role in it, some seconds late. AWS has no
 * separate code for that: only the text distinguishes it from other invalid values.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-iam.html
 */
export function isProfileNotYetVisible(error: unknown): boolean {
  if (errorCode(error) === "NoSuchEntity") return true;
  const text = error instanceof Error ? error.message : "";
  return errorCode(error) === "InvalidParameterValue" && /iam instance profile/i.test(text);
}

/** Access is denied: the caller lacks the permission, or the resource belongs to another account. */
export function isDenied(error: unknown): boolean {
  return denied.has(errorCode(error)) || statusOf(error) === 403;
}

const denied = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "AuthorizationErrorException",
  "UnauthorizedOperation",
  "Forbidden",
]);

function statusOf(error: unknown): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

/** Metadata of AWS's answer. Undefined for an error that isn't an answer of AWS. */
export function metadataOf(error: unknown): { httpStatusCode?: number; requestId?: string } | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  return error.$metadata ?? undefined;
}

/** The kinds of failure that the user has to deal with. */
export type Trouble =
  | "MfaCodeMissing"
  | "SignedOut"
  | "NoCredentials"
  | "ExpiredCredentials"
  | "BadCredentials"
  | "ClockSkewed"
  | "AccountNotReady"
  | "AccessDenied"
  | "QuotaExceeded"
  | "NoImage"
  | "NoCapacity"
  | "TokenReused"
  | "Protected"
  | "Throttled"
  | "Unreachable";

const troubles: Readonly<Record<string, Trouble>> = {
  ExpiredToken: "ExpiredCredentials",
  ExpiredTokenException: "ExpiredCredentials",
  RequestExpired: "ExpiredCredentials",
  TokenRefreshRequired: "ExpiredCredentials",
  AuthFailure: "BadCredentials",
  InvalidAccessKeyId: "BadCredentials",
  InvalidClientTokenId: "BadCredentials",
  InvalidToken: "BadCredentials",
  SignatureDoesNotMatch: "BadCredentials",
  UnrecognizedClientException: "BadCredentials",
  RequestTimeTooSkewed: "ClockSkewed",
  OptInRequired: "AccountNotReady",
  PendingVerification: "AccountNotReady",
  TooManyBuckets: "QuotaExceeded",
  InsufficientFreeAddressesInSubnet: "NoCapacity",
  InsufficientInstanceCapacity: "NoCapacity",
  Unsupported: "NoCapacity",
  IdempotentParameterMismatch: "TokenReused",
  OperationNotPermitted: "Protected",
};

/** Undefined when the error is none of those, or came neither from AWS nor from the connection to it. */
export function troubleOf(error: unknown): Trouble | undefined {
  const code = errorCode(error);
  if (isNoCredentials(error)) return credentialTrouble(error) ?? "NoCredentials";
  // Throttling comes first: one of its codes has the same ending as the codes of quotas (VpcLimitExceeded,
  // AddressLimitExceeded …).
  if (isThrottle(error)) return "Throttled";
  if (denied.has(code)) return "AccessDenied";
  if (isNoImage(error)) return "NoImage";
  if (/LimitExceeded(Exception)?$/.test(code)) return "QuotaExceeded";
  const known = Object.hasOwn(troubles, code) ? troubles[code] : undefined;
  return known ?? (isUnreachable(error) ? "Unreachable" : undefined);
}

const unreachable = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
]);

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && unreachable.has(error.code)) return true;
  return error.name === "TimeoutError" || (error.cause !== error && isUnreachable(error.cause));
}
