import assert from "node:assert/strict";
import { test } from "node:test";
import { hostTrust } from "../../../lib/resources/identity/host-policy.ts";
import { deniesPlainHttp, policyWithOurs } from "../../../lib/resources/storage/bucket-settings.ts";

// What AWS calls things in each partition.
const partitions = [
  ["eu-central-1", "ec2.amazonaws.com", "arn:aws:s3:::berth-x"],
  ["us-gov-west-1", "ec2.amazonaws.com", "arn:aws-us-gov:s3:::berth-x"],
  ["cn-north-1", "ec2.amazonaws.com.cn", "arn:aws-cn:s3:::berth-x"],
  ["eusc-de-east-1", "ec2.amazonaws.eu", "arn:aws-eusc:s3:::berth-x"],
] as const;

for (const [region, ec2, arn] of partitions) {
  test(`partitions: in ${region}, the role is for ${ec2} and the bucket is ${arn}`, () => {
    const observed = {
      id: "berth-x",
      region,
      tags: {},
      versioning: "Enabled",
      encryption: "AES256",
      ownership: "BucketOwnerEnforced",
      publicAccessBlocked: true,
      lifecycle: [],
    };

    const [trusted] = hostTrust({ region }).Statement;
    const policy = policyWithOurs(observed);

    assert.deepEqual(trusted?.Principal, { Service: ec2 });
    assert.deepEqual(policy.Statement[0]?.["Resource"], [arn, `${arn}/*`]);
    assert.equal(deniesPlainHttp({ ...observed, policy }), true);
    const elsewhere = region === "cn-north-1" ? "eu-central-1" : "cn-north-1";
    assert.equal(deniesPlainHttp({ ...observed, policy, region: elsewhere }), false);
  });
}
