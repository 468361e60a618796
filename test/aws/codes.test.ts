import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EC2ServiceException } from "@aws-sdk/client-ec2";
import {
  errorCode,
  isAlreadyExists,
  isConflict,
  isDenied,
  isDependencyViolation,
  isNotFound,
  isNotSupported,
  isNotYetVisible,
  isOthersBucket,
  isOwnBucket,
  isPreconditionFailed,
  isProfileNotYetVisible,
  isThrottle,
  isUnknownInstanceType,
  troubleOf,
  unlessAbsent,
  unlessNotConfigured,
} from "../../lib/aws/errors.ts";

function awsError(name: string, { message = "", httpStatusCode = 400 } = {}): EC2ServiceException {
  return new EC2ServiceException({ name, message, $fault: "client", $metadata: { httpStatusCode } });
}

/** Every question that Berth asks of an error, and what the answer yes is called in the table below. */
const questions = {
  absent: isNotFound,
  late: isNotYetVisible,
  "profile late": isProfileNotYetVisible,
  there: isAlreadyExists,
  "in use": isDependencyViolation,
  conflict: isConflict,
  throttle: isThrottle,
  denied: isDenied,
  "own bucket": isOwnBucket,
  "other's bucket": isOthersBucket,
  "condition failed": isPreconditionFailed,
  "not supported": isNotSupported,
  "no such type": isUnknownInstanceType,
};

/** What is said yes to, and which trouble it is to the user. */
function meaningsOf(error: unknown): string[] {
  const yes = Object.entries(questions).flatMap(([name, ask]) => (ask(error) ? [name] : []));
  const trouble = troubleOf(error);
  return trouble === undefined ? yes : [...yes, trouble];
}

const absent = ["absent", "late"];
const meanings: Readonly<Record<string, readonly string[]>> = {
  NoSuchBucket: absent,
  NoSuchKey: absent,
  NoSuchVersion: absent,
  NoSuchEntity: [...absent, "profile late"],
  NoSuchEntityException: absent,
  NotFound: absent,
  RepositoryNotFoundException: absent,
  ImageNotFoundException: absent,
  LifecyclePolicyNotFoundException: absent,
  ParameterNotFound: absent,
  "Gateway.NotAttached": absent,
  "InvalidVpcID.NotFound": absent,
  "InvalidInstanceID.NotFound": absent,
  "InvalidAllocationID.NotFound": absent,
  "InvalidGroup.NotFound": absent,
  "InvalidPermission.NotFound": absent,
  "InvalidVpcID.Malformed": [],
  "InvalidVpcID.NotFoundYet": [],
  "SomeInvalidVpcID.NotFound": [],
  InvalidID: ["late"],
  IncorrectInstanceState: ["late"],
  BucketAlreadyOwnedByYou: ["there", "own bucket"],
  BucketAlreadyExists: ["other's bucket"],
  EntityAlreadyExists: ["there"],
  EntityAlreadyExistsException: ["there"],
  "InvalidGroup.Duplicate": ["there"],
  "InvalidPermission.Duplicate": ["there"],
  RepositoryAlreadyExistsException: ["there"],
  "Resource.AlreadyAssociated": ["there"],
  "Resource.AlreadyAttached": ["there"],
  RouteAlreadyExists: ["there"],
  DependencyViolation: ["in use"],
  DeleteConflict: ["in use"],
  DeleteConflictException: ["in use"],
  "InvalidGroup.InUse": ["in use"],
  "InvalidIPAddress.InUse": ["in use"],
  BucketNotEmpty: ["in use"],
  IncorrectState: ["in use"],
  OperationAborted: ["conflict"],
  ConditionalRequestConflict: ["conflict"],
  ConcurrentModification: ["conflict"],
  ConcurrentModificationException: ["conflict"],
  RequestLimitExceeded: ["throttle", "Throttled"],
  RequestThrottled: ["throttle", "Throttled"],
  RequestThrottledException: ["throttle", "Throttled"],
  SlowDown: ["throttle", "Throttled"],
  Throttling: ["throttle", "Throttled"],
  ThrottlingException: ["throttle", "Throttled"],
  ThrottledException: ["throttle", "Throttled"],
  TooManyRequestsException: ["throttle", "Throttled"],
  AccessDenied: ["denied", "AccessDenied"],
  AccessDeniedException: ["denied", "AccessDenied"],
  UnauthorizedOperation: ["denied", "AccessDenied"],
  Forbidden: ["denied", "AccessDenied"],
  InvalidInstanceType: ["no such type"],
  InvalidParameterValue: ["no such type"],
  VpcLimitExceeded: ["QuotaExceeded"],
  AddressLimitExceeded: ["QuotaExceeded"],
  LimitExceededException: ["QuotaExceeded"],
  TooManyBuckets: ["QuotaExceeded"],
  CredentialsProviderError: ["NoCredentials"],
  PreconditionFailed: ["condition failed"],
  NotImplemented: ["not supported"],
  MethodNotAllowed: ["not supported"],
  ExpiredToken: ["ExpiredCredentials"],
  ExpiredTokenException: ["ExpiredCredentials"],
  RequestExpired: ["ExpiredCredentials"],
  TokenRefreshRequired: ["ExpiredCredentials"],
  AuthFailure: ["BadCredentials"],
  InvalidAccessKeyId: ["BadCredentials"],
  InvalidClientTokenId: ["BadCredentials"],
  InvalidToken: ["BadCredentials"],
  SignatureDoesNotMatch: ["BadCredentials"],
  UnrecognizedClientException: ["BadCredentials"],
  RequestTimeTooSkewed: ["ClockSkewed"],
  OptInRequired: ["AccountNotReady"],
  PendingVerification: ["AccountNotReady"],
  InsufficientFreeAddressesInSubnet: ["NoCapacity"],
  InsufficientInstanceCapacity: ["NoCapacity"],
  Unsupported: ["NoCapacity"],
  IdempotentParameterMismatch: ["TokenReused"],
  OperationNotPermitted: ["Protected"],
  TimeoutError: ["Unreachable"],
  InternalError: [],
  NoSuchBucketPolicy: [],
};

describe("AWS's code", () => {
  for (const [code, wanted] of Object.entries(meanings)) {
    it(`${code} means ${wanted.join(", ") || "none of all that"}`, () => {
      assert.deepEqual(meaningsOf(awsError(code)), wanted);
    });
  }

  it("tells a profile that isn't usable yet from other bad values by the text alone", () => {
    const late = awsError("InvalidParameterValue", { message: "Invalid IAM Instance Profile name" });
    const wrong = awsError("InvalidParameterCombination", { message: "Invalid IAM Instance Profile name" });

    assert.deepEqual(meaningsOf(late), ["late", "profile late", "no such type"]);
    assert.deepEqual(meaningsOf(wrong), []);
  });

  it("of a denial needn't be known: the status says it", () => {
    assert.equal(isDenied(awsError("Unknown", { httpStatusCode: 403 })), true);
    assert.equal(isDenied(awsError("Unknown", { httpStatusCode: 404 })), false);
  });

  it("is none for what is no error", () => {
    assert.deepEqual(["NoSuchBucket", undefined, { name: "NoSuchBucket" }].map(errorCode), ["", "", ""]);
  });
});

describe("the way to AWS", () => {
  const codes = [
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EPIPE",
    "ETIMEDOUT",
  ];
  for (const code of codes) {
    it(`is cut off by ${code}, be it the error itself or what caused it`, () => {
      const error = Object.assign(new Error(code), { code });

      assert.equal(troubleOf(error), "Unreachable");
      assert.equal(troubleOf(new Error("failed", { cause: error })), "Unreachable");
    });
  }

  it("is not cut off by a file that isn't there", () => {
    assert.equal(troubleOf(Object.assign(new Error("no file"), { code: "ENOENT" })), undefined);
  });
});

describe("an answer", () => {
  const settings = [
    "NoSuchTagSet",
    "NoSuchTagSetError",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
  ];

  it("that a bucket has no such setting is nothing; that there is no bucket is an error", async () => {
    for (const code of settings)
      assert.equal(await unlessNotConfigured(Promise.reject(awsError(code))), undefined, code);
    assert.equal(await unlessNotConfigured(Promise.resolve("set")), "set");
    for (const code of ["NoSuchBucket", "AccessDenied"])
      await assert.rejects(unlessNotConfigured(Promise.reject(awsError(code))), { name: code });
  });

  it("that it isn't there is nothing; that it may not be asked is an error", async () => {
    assert.equal(await unlessAbsent(Promise.reject(awsError("NoSuchEntity"))), undefined);
    assert.equal(await unlessAbsent(Promise.resolve("there")), "there");
    for (const code of ["AccessDenied", "RequestLimitExceeded", "NoSuchTagSet"])
      await assert.rejects(unlessAbsent(Promise.reject(awsError(code))), { name: code });
  });
});
