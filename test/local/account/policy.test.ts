import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAllowed } from "../../../lib/local/account/policy.ts";

const allow = (Action: unknown, Resource: unknown = "*", more: object = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});
const deny = (Action: unknown, Resource: unknown = "*", more: object = {}) => ({
  Effect: "Deny",
  Action,
  Resource,
  ...more,
});
const bucket = "arn:aws:s3:::mine";

/** Statements, action, resource, and whether they allow it. */
const table: readonly (readonly [
  name: string,
  statements: unknown,
  action: string,
  resource: string,
  boolean,
])[] = [
  ["nothing at all", [], "s3:GetObject", bucket, false],
  ["the action, anywhere", [allow("s3:GetObject")], "s3:GetObject", bucket, true],
  ["one of several actions", [allow(["s3:PutObject", "s3:GetObject"])], "s3:GetObject", bucket, true],
  ["a single statement without a list", allow("s3:GetObject"), "s3:GetObject", bucket, true],
  ["another action", [allow("s3:PutObject")], "s3:GetObject", bucket, false],
  ["a longer action", [allow("s3:GetObject")], "s3:GetObjectAcl", bucket, false],
  ["all of the service", [allow("s3:*")], "s3:GetObject", bucket, true],
  ["all of another service", [allow("s3:*")], "ecr:GetObject", bucket, false],
  ["everything", [allow("*")], "iam:CreateUser", "*", true],
  ["the action in other letters", [allow("S3:getobject")], "s3:GetObject", bucket, true],
  ["the resource in other letters", [allow("s3:*", "arn:aws:s3:::MINE")], "s3:GetObject", bucket, false],
  ["the bucket, asked for an object", [allow("s3:*", bucket)], "s3:GetObject", `${bucket}/key`, false],
  ["objects, asked for the bucket", [allow("s3:*", `${bucket}/*`)], "s3:ListBucket", bucket, false],
  [
    "objects below a prefix",
    [allow("s3:*", `${bucket}/hosts/*`)],
    "s3:PutObject",
    `${bucket}/hosts/a/b`,
    true,
  ],
  [
    "objects beside the prefix",
    [allow("s3:*", `${bucket}/hosts/*`)],
    "s3:PutObject",
    `${bucket}/host`,
    false,
  ],
  ["one character", [allow("s3:Get?bject")], "s3:GetObject", bucket, true],
  ["a dot that is a dot", [allow("s3:*", "arn:aws:s3:::m.ne")], "s3:GetObject", bucket, false],
  ["a line break in a key", [allow("s3:*", `${bucket}/*`)], "s3:GetObject", `${bucket}/a\nb`, true],
  ["a denial after it", [allow("*"), deny("s3:GetObject")], "s3:GetObject", bucket, false],
  ["a denial before it", [deny("s3:*", bucket), allow("*")], "s3:ListBucket", bucket, false],
  ["a denial of something else", [allow("*"), deny("s3:DeleteObject")], "s3:GetObject", bucket, true],
  [
    "a condition, which nobody works out",
    [allow("*", "*", { Condition: {} })],
    "s3:GetObject",
    bucket,
    false,
  ],
  [
    "a denial with a condition",
    [allow("*"), deny("s3:*", "*", { Condition: {} })],
    "s3:GetObject",
    bucket,
    false,
  ],
  [
    "all actions but one",
    [{ Effect: "Allow", NotAction: "iam:*", Resource: "*" }],
    "s3:GetObject",
    bucket,
    true,
  ],
  [
    "all actions but this",
    [{ Effect: "Allow", NotAction: "s3:*", Resource: "*" }],
    "s3:GetObject",
    bucket,
    false,
  ],
  [
    "all resources but this",
    [{ Effect: "Allow", Action: "*", NotResource: bucket }],
    "s3:GetObject",
    bucket,
    false,
  ],
  ["no action", [{ Effect: "Allow", Resource: "*" }], "s3:GetObject", bucket, false],
  ["no resource", [{ Effect: "Allow", Action: "*" }], "s3:GetObject", bucket, false],
  [
    "an effect of no such name",
    [{ Effect: "allow", Action: "*", Resource: "*" }],
    "s3:GetObject",
    bucket,
    false,
  ],
  ["what is no statement", ["*", null, 1, [allow("*")]], "s3:GetObject", bucket, false],
  ["patterns that are no text", [allow([1, null, {}], [true])], "s3:GetObject", bucket, false],
];

describe("a role's policies", () => {
  for (const [name, Statement, action, resource, allowed] of table) {
    it(`with ${name}: ${allowed ? "allowed" : "denied"}`, () => {
      assert.equal(isAllowed([{ Version: "2012-10-17", Statement }], { action, resource }), allowed);
    });
  }

  it("with a condition on what the call itself says: allowed where it says the same", () => {
    const metrics = "cloudwatch:PutMetricData";
    const wanted = (namespace: string) => ({
      action: metrics,
      resource: "*",
      context: { "cloudwatch:namespace": namespace },
    });
    const may = (namespace: string, Condition: object) =>
      isAllowed([{ Statement: allow(metrics, "*", { Condition }) }], wanted(namespace));
    const own = { StringEquals: { "cloudwatch:namespace": "Berth/shop" } };
    assert.equal(may("Berth/shop", own), true);
    for (const namespace of ["Berth/other", "berth/shop", "Berth/shop2", ""])
      assert.equal(may(namespace, own), false, namespace);
    assert.equal(may("Berth/shop", { ...own, Bool: { "aws:SecureTransport": "true" } }), false);
    assert.equal(may("Berth/shop", { StringLike: { "cloudwatch:namespace": "Berth/shop" } }), false);
    const more = { StringEquals: { ...own.StringEquals, "aws:RequestedRegion": "eu-central-1" } };
    assert.equal(may("Berth/shop", more), false);
    assert.equal(
      isAllowed([{ Statement: allow("*", "*", { Condition: own }) }], { action: metrics, resource: "*" }),
      false,
    );
  });

  it("count together", () => {
    const documents = [{ Statement: allow("s3:*") }, { Statement: deny("s3:PutObject") }];
    assert.equal(isAllowed(documents, { action: "s3:GetObject", resource: "*" }), true);
    assert.equal(isAllowed(documents, { action: "s3:PutObject", resource: "*" }), false);
  });

  it("that are none allow nothing", () => {
    for (const document of [undefined, null, "", [], {}, { Statement: undefined }]) {
      assert.equal(isAllowed([document], { action: "s3:GetObject", resource: "*" }), false);
    }
  });
});
