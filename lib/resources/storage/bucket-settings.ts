import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  type PublicAccessBlockConfiguration,
} from "@aws-sdk/client-s3";
import { partition } from "@aws-sdk/core/client";
import { unlessNotConfigured } from "../../aws/errors.ts";
import {
  canonicalStatement,
  parsePolicy,
  type PolicyDocument,
  type PolicyStatement,
} from "../../aws/policy-document.ts";
import { fromTagList } from "../../aws/tags.ts";
import type { Observed, ReadContext } from "../../contract/resource.ts";

export interface ObservedBucket extends Observed {
  readonly region: string;
  readonly versioning: string;
  readonly encryption: string;
  readonly ownership: string;
  /** Whether all four settings of S3's public access block are on. */
  readonly publicAccessBlocked: boolean;
  readonly policy?: PolicyDocument | undefined;
  readonly lifecycle: readonly LifecycleRule[];
}

const policySid = "BerthDenyPlainHttp";

/** State documents and releases are overwritten often. Old versions are kept for 90 days, for `state history`. */
const lifecycleRule = {
  ID: "berth-old-versions",
  Status: "Enabled",
  Filter: { Prefix: "" },
  NoncurrentVersionExpiration: { NoncurrentDays: 90 },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
} as const satisfies LifecycleRule;

export const publicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

function denyPlainHttp(region: string, name: string): PolicyStatement {
  const arn = `arn:${partition(region).name}:s3:::${name}`;
  return {
    Sid: policySid,
    Effect: "Deny",
    Principal: "*",
    // In lower case: AWS ignores the prefix's case, but other implementations of S3 compare it.
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

export function deniesPlainHttp(observed: ObservedBucket): boolean {
  const ours = (observed.policy?.Statement ?? []).find((one) => one["Sid"] === policySid);
  if (ours === undefined) return false;
  return canonicalStatement(denyPlainHttp(observed.region, observed.id)) === canonicalStatement(ours);
}

/** Berth's policy statement together with those that a user added. */
export function policyWithOurs(observed: ObservedBucket): PolicyDocument {
  const others = (observed.policy?.Statement ?? []).filter((one) => one["Sid"] !== policySid);
  return { Version: "2012-10-17", Statement: [...others, denyPlainHttp(observed.region, observed.id)] };
}

export function expiresOldVersions(observed: ObservedBucket): boolean {
  return observed.lifecycle.some(
    (rule) =>
      rule.ID === lifecycleRule.ID &&
      rule.Status === lifecycleRule.Status &&
      // AWS returns the rule with an empty filter or without one. Both mean the whole bucket.
      (rule.Filter?.Prefix ?? "") === "" &&
      rule.NoncurrentVersionExpiration?.NoncurrentDays ===
        lifecycleRule.NoncurrentVersionExpiration.NoncurrentDays &&
      rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ===
        lifecycleRule.AbortIncompleteMultipartUpload.DaysAfterInitiation,
  );
}

export function lifecycleWithOurs(observed: ObservedBucket): LifecycleRule[] {
  return [...observed.lifecycle.filter((rule) => rule.ID !== lifecycleRule.ID), lifecycleRule];
}

/** Whether the bucket has a policy statement or lifecycle rule that only Berth makes. */
export function bearsMark(observed: ObservedBucket): boolean {
  return (
    (observed.policy?.Statement ?? []).some((one) => one["Sid"] === policySid) ||
    observed.lifecycle.some((rule) => rule.ID === lifecycleRule.ID)
  );
}

/** Reads all settings at once, each with its own call. Errors, including `NoSuchBucket`, are thrown unchanged. */
export async function readBucket(ctx: ReadContext, name: string): Promise<ObservedBucket> {
  const { s3 } = ctx.clients;
  const on = { Bucket: name, ExpectedBucketOwner: ctx.account };
  const [tagging, versioning, encryption, ownership, block, policy, lifecycle] = await Promise.all([
    unlessNotConfigured(s3.send(new GetBucketTaggingCommand(on))),
    s3.send(new GetBucketVersioningCommand(on)),
    unlessNotConfigured(s3.send(new GetBucketEncryptionCommand(on))),
    unlessNotConfigured(s3.send(new GetBucketOwnershipControlsCommand(on))),
    unlessNotConfigured(s3.send(new GetPublicAccessBlockCommand(on))),
    unlessNotConfigured(s3.send(new GetBucketPolicyCommand(on))),
    unlessNotConfigured(s3.send(new GetBucketLifecycleConfigurationCommand(on))),
  ]);
  const [encryptionRule] = encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
  return {
    id: name,
    region: ctx.region,
    tags: fromTagList(tagging?.TagSet),
    versioning: versioning.Status ?? "off",
    encryption: encryptionRule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? "none",
    ownership: ownership?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? "none",
    publicAccessBlocked: isBlocked(block?.PublicAccessBlockConfiguration),
    policy: parsePolicy(policy?.Policy),
    lifecycle: lifecycle?.Rules ?? [],
  };
}

function isBlocked(found: PublicAccessBlockConfiguration = {}): boolean {
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } = found;
  return [BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets].every(
    (one) => one === true,
  );
}
