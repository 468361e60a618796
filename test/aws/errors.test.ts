import assert from "node:assert/strict";
import { test } from "node:test";
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { EC2ServiceException } from "@aws-sdk/client-ec2";
import { explainAwsError } from "../../lib/aws/explanation.ts";
import { isNotFound, isNotYetVisible, isProfileNotYetVisible, isThrottle } from "../../lib/aws/errors.ts";
import { BerthError } from "../../lib/errors.ts";

function awsError(name: string, message = ""): EC2ServiceException {
  return new EC2ServiceException({ name, message, $fault: "client", $metadata: { requestId: "r-1" } });
}

function explain(error: unknown): BerthError {
  const explained = explainAwsError(error, "Creating vpc");
  assert.ok(explained instanceof BerthError);
  assert.equal(explained.cause, error);
  assert.match(explained.message, /^Creating vpc: /);
  return explained;
}

test("errors: each has the meaning that AWS documents for its code", () => {
  const meanings: Record<string, string> = {
    CredentialsProviderError: "NoCredentials",
    ExpiredToken: "ExpiredCredentials",
    InvalidClientTokenId: "BadCredentials",
    AuthFailure: "BadCredentials",
    VpcLimitExceeded: "QuotaExceeded",
    AddressLimitExceeded: "QuotaExceeded",
    LimitExceededException: "QuotaExceeded",
    VpcLimitExceededSoon: "VpcLimitExceededSoon",
    RequestLimitExceeded: "Throttled",
    ThrottlingException: "Throttled",
    InsufficientInstanceCapacity: "NoCapacity",
    "InvalidAMIID.NotFound": "NoImage",
    "InvalidAMIID.Unavailable": "NoImage",
    UnauthorizedOperation: "AccessDenied",
    InvalidParameterCombination: "InvalidParameterCombination",
    constructor: "constructor",
    toString: "toString",
  };

  for (const [code, meaning] of Object.entries(meanings))
    assert.equal(explain(awsError(code)).code, meaning, code);
});

test("errors: a denial names the action and the caller", () => {
  const text =
    "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ec2:CreateVpc on resource: *";
  const denied = explain(awsError("UnauthorizedOperation", text));

  assert.match(denied.message, /arn:aws:iam::123456789012:user\/ann may not call ec2:CreateVpc/);
  assert.match(denied.hint ?? "", /ec2:CreateVpc/);
});

test("errors: an endpoint that doesn't answer is named by its host", async () => {
  const sts = new STSClient({
    region: "nowhere-1",
    endpoint: "http://sts.nowhere-1.invalid",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });

  const error: unknown = await sts
    .send(new GetCallerIdentityCommand({}))
    .catch((failure: unknown) => failure);

  const explained = explain(error);
  assert.equal(explained.code, "Unreachable");
  assert.match(explained.message, /sts\.nowhere-1\.invalid/);
});

test("errors: what didn't come from AWS stays as it is", () => {
  const bug = new TypeError("a bug");
  const known = new BerthError({ code: "TimedOut", message: "too long" });

  assert.equal(explainAwsError(bug, "Creating vpc"), bug);
  assert.equal(explainAwsError(known, "Creating vpc"), known);
});

test("errors: absent, not yet visible and throttled are told apart", () => {
  const late = awsError(
    "InvalidParameterValue",
    "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
  );
  const wrong = awsError("InvalidParameterValue", "Value (300) for parameter VolumeSize is invalid");

  assert.ok(isNotFound(awsError("InvalidVpcID.NotFound")) && isNotFound(awsError("NoSuchEntityException")));
  assert.ok(!isNotFound(awsError("InvalidVpcID.Malformed")));
  assert.ok(isProfileNotYetVisible(late) && !isProfileNotYetVisible(wrong));
  assert.ok(isNotYetVisible(awsError("InvalidGroup.NotFound")) && !isNotYetVisible(wrong));
  assert.ok(isThrottle(awsError("RequestLimitExceeded")) && !isThrottle(awsError("VpcLimitExceeded")));
});
