import { BerthError } from "../errors.ts";

/** AWS's code of an error, for example `InvalidVpcID.NotFound`. Empty for what didn't come from AWS. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return error.name;
}

const notFound = new Set([
  "NoSuchBucket",
  "NoSuchEntity",
  "NoSuchEntityException",
  "NotFound",
  "RepositoryNotFoundException",
  "LifecyclePolicyNotFoundException",
  "ParameterNotFound",
  "Gateway.NotAttached",
]);

/** The thing asked about isn't there: it never was, or it is gone. */
export function isNotFound(error: unknown): boolean {
  const code = errorCode(error);
  return notFound.has(code) || /^Invalid\w+\.NotFound$/.test(code);
}

/** The answer, or undefined when what was asked about isn't there. */
export async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const notConfigured = new Set([
  "NoSuchTagSet",
  "NoSuchTagSetError",
  "NoSuchBucketPolicy",
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "OwnershipControlsNotFoundError",
  "ServerSideEncryptionConfigurationNotFoundError",
]);

/** The bucket is there, the setting asked about isn't. */
export const isNotConfigured = (error: unknown): boolean => notConfigured.has(errorCode(error));

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

/** No such type of instance; both codes are in use. */
export function isUnknownInstanceType(error: unknown): boolean {
  return ["InvalidInstanceType", "InvalidParameterValue"].includes(errorCode(error));
}

const alreadyExists = new Set([
  "BucketAlreadyOwnedByYou",
  "EntityAlreadyExists",
  "EntityAlreadyExistsException",
  "InvalidGroup.Duplicate",
  "InvalidPermission.Duplicate",
  "RepositoryAlreadyExistsException",
  "Resource.AlreadyAssociated",
  "Resource.AlreadyAttached",
  "RouteAlreadyExists",
]);

/** What was to be made is there already: by an earlier attempt, or by somebody else. */
export const isAlreadyExists = (error: unknown): boolean => alreadyExists.has(errorCode(error));

const inUse = new Set([
  "DependencyViolation",
  "DeleteConflict",
  "DeleteConflictException",
  "InvalidGroup.InUse",
  "InvalidIPAddress.InUse",
  "BucketNotEmpty",
  "IncorrectState",
]);

/** Something still uses what is to go. Passes by itself when that goes. */
export const isDependencyViolation = (error: unknown): boolean => inUse.has(errorCode(error));

const conflict = new Set([
  "OperationAborted",
  "ConditionalRequestConflict",
  "ConcurrentModification",
  "ConcurrentModificationException",
]);

/** Two changes met; the same call again succeeds. */
export const isConflict = (error: unknown): boolean => conflict.has(errorCode(error));

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

/** Something that a call refers to was made a moment ago and isn't visible everywhere yet. Never said of what was there for long. */
export function isNotYetVisible(error: unknown): boolean {
  return isNotFound(error) || isProfileNotYetVisible(error) || errorCode(error) === "IncorrectInstanceState";
}

/**
 * RunInstances and its kin see a new instance profile, or a new role in it, some seconds late. AWS has no code of its own
 * for that: the text is the only thing that tells it from other invalid values.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-iam.html
 */
export function isProfileNotYetVisible(error: unknown): boolean {
  if (errorCode(error) === "NoSuchEntity") return true;
  const text = error instanceof Error ? error.message : "";
  return errorCode(error) === "InvalidParameterValue" && /iam instance profile/i.test(text);
}

/** Access to it is refused, be it that the caller may not or that it belongs to another account. */
export function isDenied(error: unknown): boolean {
  return denied.has(errorCode(error)) || statusOf(error) === 403;
}

const denied = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden"]);

function statusOf(error: unknown): number | undefined {
  return metadataOf(error)?.httpStatusCode;
}

function metadataOf(error: unknown): { httpStatusCode?: number; requestId?: string } | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  return error.$metadata ?? undefined;
}

interface Meaning {
  readonly codes: readonly string[] | RegExp;
  readonly code: string;
  readonly message: (what: string, error: Error) => string;
  readonly hint: string;
}

const meanings: readonly Meaning[] = [
  {
    codes: ["CredentialsProviderError"],
    code: "NoCredentials",
    message: (what) => `${what}: no AWS credentials were found`,
    hint: "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or add --local to use the embedded AWS",
  },
  {
    codes: ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
    code: "ExpiredCredentials",
    message: (what) => `${what}: the AWS credentials have expired`,
    hint: "Log in again (for example `aws sso login`), then run the same command again: it goes on where this one stopped",
  },
  {
    codes: [
      "AuthFailure",
      "InvalidAccessKeyId",
      "InvalidClientTokenId",
      "InvalidToken",
      "SignatureDoesNotMatch",
      "UnrecognizedClientException",
    ],
    code: "BadCredentials",
    message: (what, error) => `${what}: AWS doesn't accept the credentials (${errorCode(error)})`,
    hint: "Check them with `aws sts get-caller-identity`; the region may also have to be enabled for the account",
  },
  {
    codes: ["RequestTimeTooSkewed"],
    code: "ClockSkewed",
    message: (what) => `${what}: this computer's clock is too far off for AWS`,
    hint: "Set the clock, then run the same command again",
  },
  {
    codes: ["OptInRequired", "PendingVerification"],
    code: "AccountNotReady",
    message: (what, error) => `${what}: the account can't use this yet (${error.message})`,
    hint: "Finish the account's registration, or enable the region in its settings",
  },
  {
    codes: /(LimitExceeded|LimitExceededException|TooManyBuckets|QuotaExceeded\w*)$/,
    code: "QuotaExceeded",
    message: (what, error) =>
      `${what}: a quota of the account is used up (${errorCode(error)}: ${error.message})`,
    hint: "Remove what isn't needed, or ask for more in AWS's Service Quotas; then run the same command again",
  },
  {
    codes: ["InsufficientInstanceCapacity", "Unsupported", "InsufficientFreeAddressesInSubnet"],
    code: "NoCapacity",
    message: (what, error) => `${what}: AWS can't give that now (${error.message})`,
    hint: "Try later, or set another instance.type",
  },
  {
    codes: ["IdempotentParameterMismatch"],
    code: "TokenReused",
    message: (what) => `${what}: an earlier attempt asked for something else with the same token`,
    hint: "Run the same command again",
  },
  {
    codes: ["OperationNotPermitted"],
    code: "Protected",
    message: (what, error) => `${what}: protected against it (${error.message})`,
    hint: "Take the protection off in AWS, then run the same command again",
  },
];

const unreachable = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/**
 * An error of the SDK in the words of a user. `what` is what was being done: `Creating instance`.
 * A BerthError comes back as it is, and so does any error that didn't come from AWS.
 */
export function explainAwsError(error: unknown, what: string): unknown {
  if (error instanceof BerthError || !(error instanceof Error)) return error;
  const code = errorCode(error);
  // First, as one of the codes of throttling ends like those of quotas.
  if (isThrottle(error)) return throttled(error, what);
  const meaning = meanings.find(({ codes }) =>
    codes instanceof RegExp ? codes.test(code) : codes.includes(code),
  );
  if (meaning)
    return new BerthError({
      code: meaning.code,
      message: meaning.message(what, error),
      hint: meaning.hint,
      cause: error,
    });
  if (denied.has(code)) return accessDenied(error, what);
  if (isUnreachable(error)) return unreachableEndpoint(error, what);
  return "$metadata" in error ? otherAwsError(error, what) : error;
}

// Codes say that it was denied, never what or to whom; that stands in the text alone.
function accessDenied(error: Error, what: string): BerthError {
  const [, caller = "the caller"] = /User: (\S+)/.exec(error.message) ?? [];
  const [, action] = /not authorized to perform: (\S+)/.exec(error.message) ?? [];
  return new BerthError({
    code: "AccessDenied",
    message: `${what}: ${caller} may not ${action === undefined ? "do that" : `call ${action}`}`,
    hint:
      action === undefined
        ? "Grant the permission to the caller"
        : `Allow ${action} in a policy of the caller`,
    detail: [error.message],
    cause: error,
  });
}

function throttled(error: Error, what: string): BerthError {
  return new BerthError({
    code: "Throttled",
    message: `${what}: AWS asked to slow down, and went on asking through all retries`,
    hint: "Wait a minute, then run the same command again: it goes on where this one stopped",
    cause: error,
  });
}

function isUnreachable(error: Error): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === "string" && unreachable.has(code)) return true;
  return error.name === "TimeoutError" || (cause instanceof Error && cause !== error && isUnreachable(cause));
}

function unreachableEndpoint(error: Error, what: string): BerthError {
  const where = "hostname" in error && typeof error.hostname === "string" ? error.hostname : "AWS";
  return new BerthError({
    code: "Unreachable",
    message: `${what}: ${where} can't be reached (${error.message})`,
    hint: "Check the network and the region's name",
    cause: error,
  });
}

function otherAwsError(error: Error, what: string): BerthError {
  const requestId = metadataOf(error)?.requestId;
  return new BerthError({
    code: errorCode(error),
    message: `${what}: ${error.message}`,
    detail: requestId === undefined ? [] : [`AWS request id ${requestId}`],
    cause: error,
  });
}
