import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainAwsError } from "../../lib/aws/explanation.ts";
import {
  bucketName,
  iamPath,
  instanceProfileName,
  metricsNamespace,
  repositoryName,
  roleName,
} from "../../lib/aws/names.ts";
import { samePolicy } from "../../lib/aws/policy-document.ts";
import { ownershipFilters, resourceTags, tagSpecifications } from "../../lib/aws/tags.ts";
import { BerthError } from "../../lib/errors.ts";
import { ownershipTags, parseOwner } from "../../lib/owner.ts";

const owner = { stack: "hello", name: "vpc", generation: 2 };
const tags = { "berth:stack": "hello", "berth:resource": "vpc", "berth:generation": "2" };

// By these a stack is found again that an earlier Berth made: a changed one would orphan everything.
describe("what a stack is found again by", () => {
  it("are these tags", () => {
    assert.deepEqual(ownershipTags(owner), tags);
    assert.deepEqual(resourceTags(owner, { ...tags, "berth:stack": "other", Team: "x" }), {
      ...tags,
      Team: "x",
    });
    assert.deepEqual(parseOwner(tags), owner);
  });

  it("are all three of them", () => {
    assert.deepEqual(ownershipFilters(owner), [
      { Name: "tag:berth:stack", Values: ["hello"] },
      { Name: "tag:berth:resource", Values: ["vpc"] },
      { Name: "tag:berth:generation", Values: ["2"] },
    ]);
  });

  it("travels with everything that one call makes", () => {
    assert.deepEqual(tagSpecifications({ a: "1" }, "instance", "volume"), [
      { ResourceType: "instance", Tags: [{ Key: "a", Value: "1" }] },
      { ResourceType: "volume", Tags: [{ Key: "a", Value: "1" }] },
    ]);
  });

  it("is nothing where one of the tags is missing, and generation 0 where that is no number", () => {
    assert.equal(parseOwner({ "berth:resource": "vpc", "berth:generation": "2" }), undefined);
    assert.equal(parseOwner({ "berth:stack": "hello", "berth:generation": "2" }), undefined);
    assert.equal(parseOwner({ ...tags, "berth:generation": "many" })?.generation, 0);
  });

  it("are these names", () => {
    const place = { account: "123456789012", region: "eu-central-1" };
    const named = (name: string) => ({ stack: "hello", name });

    assert.equal(bucketName(place, named("bucket")), "berth-hello-123456789012-eu-central-1");
    assert.equal(bucketName(place, named("logs")), "berth-hello-123456789012-eu-central-1-logs");
    assert.equal(metricsNamespace({ stack: "hello" }), "Berth/hello");
    assert.equal(repositoryName(named("repository")), "berth/hello");
    assert.equal(repositoryName(named("worker")), "berth/hello/worker");
    assert.equal(roleName(place, named("role")), "berth-hello-eu-central-1");
    assert.equal(instanceProfileName(place, named("instance-profile")), "berth-hello-eu-central-1");
    assert.equal(instanceProfileName(place, named("other")), "berth-hello-eu-central-1-other");
    assert.equal(iamPath({ region: "eu-central-1" }), "/berth/eu-central-1/");
  });

  it("are names that AWS takes, cut where they are too long by something that tells them apart", () => {
    const place = { account: "123456789012", region: "ap-southeast-3" };
    const named = (name: string) => ({ stack: "a".repeat(24), name });

    assert.equal(bucketName(place, named("b".repeat(7))).length, 63);
    assert.match(bucketName(place, named("b".repeat(8))), /^[a-z0-9-]{3,54}-[0-9a-f]{8}$/);
    assert.ok(roleName(place, named("b".repeat(40))).length <= 64);
  });
});

describe("a policy", () => {
  const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:a" };
  const policy = (...Statement: Readonly<Record<string, unknown>>[]) => ({
    Version: "2012-10-17",
    Statement,
  });

  it("is the same under any name of its statements", () => {
    assert.equal(samePolicy(policy(statement), policy({ ...statement, Sid: "Mine" })), true);
  });

  for (const [what, other] of [
    ["a principal", { ...statement, Principal: "*" }],
    ["another effect", { ...statement, Effect: "Deny" }],
    ["a wider resource", { ...statement, Resource: "arn:*" }],
    ["the opposite of a resource", { Effect: "Allow", Action: "s3:GetObject", NotResource: "arn:a" }],
    ["one more action", { ...statement, Action: ["s3:GetObject", "s3:PutObject"] }],
    ["a condition", { ...statement, Condition: { Bool: { "aws:SecureTransport": "true" } } }],
  ] as const) {
    it(`is another one with ${what}`, () => {
      assert.equal(samePolicy(policy(statement), policy(other)), false);
    });
  }

  it("is another one with a statement more, be it the same for another resource", () => {
    assert.equal(
      samePolicy(policy(statement), policy(statement, { ...statement, Resource: "arn:b" })),
      false,
    );
  });
});

describe("an explanation", () => {
  for (const [name, code, hint] of [
    ["CredentialsProviderError", "NoCredentials", /AWS_PROFILE.*--local/],
    ["ExpiredToken", "ExpiredCredentials", /aws sso login/],
    ["SignatureDoesNotMatch", "BadCredentials", /get-caller-identity/],
    ["RequestTimeTooSkewed", "ClockSkewed", /set the clock/],
    ["OptInRequired", "AccountNotReady", /registration/],
    ["AccessDenied", "AccessDenied", /grant the permission/],
    ["VpcLimitExceeded", "QuotaExceeded", /Service Quotas/],
    ["InsufficientInstanceCapacity", "NoCapacity", /another instance\.type/],
    ["IdempotentParameterMismatch", "TokenReused", /same command again/],
    ["OperationNotPermitted", "Protected", /protection off/],
    ["SlowDown", "Throttled", /wait a minute/],
    ["TimeoutError", "Unreachable", /check the network/],
  ] as const) {
    it(`of ${name} says what to do next`, () => {
      const error = Object.assign(new Error("as AWS put it"), { name });

      const explained = explainAwsError(error, "up", "vpc");

      assert.ok(explained instanceof BerthError);
      assert.deepEqual([explained.code, explained.resource, explained.exitCode], [code, "vpc", 1]);
      assert.match(explained.hint ?? "", hint);
      assert.equal(explained.cause, error);
    });
  }
});
