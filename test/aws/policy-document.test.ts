import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy, samePolicy } from "../../lib/aws/policy-document.ts";

const one = {
  Version: "2012-10-17",
  Statement: [
    { Sid: "A", Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: ["arn:a", "arn:b"] },
    {
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: "arn:a",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
};

test("policy document: another spelling is the same policy", () => {
  const spelled = {
    Version: "2012-10-17",
    Statement: [
      {
        Condition: { Bool: { "aws:SecureTransport": false } },
        Resource: ["arn:a"],
        Action: ["S3:*"],
        Principal: "*",
        Effect: "Deny",
      },
      { Sid: "B", Effect: "Allow", Resource: ["arn:b", "arn:a"], Action: ["s3:PutObject", "s3:getobject"] },
    ],
  };

  assert.ok(samePolicy(one, spelled));
});

test("policy document: one letter of a resource, an action or a condition makes another policy", () => {
  const [first, second] = one.Statement;
  const others = [
    { ...one, Version: "2008-10-17" },
    { ...one, Statement: [first] },
    { ...one, Statement: [{ ...first, Resource: ["arn:a", "arn:B"] }, second] },
    { ...one, Statement: [{ ...first, Action: ["s3:GetObject"] }, second] },
    { ...one, Statement: [first, { ...second, Condition: { Bool: { "aws:SecureTransport": "true" } } }] },
  ];

  for (const other of others)
    assert.ok(
      !samePolicy(one, { Version: other.Version, Statement: other.Statement.filter((s) => s !== undefined) }),
    );
  assert.ok(!samePolicy(one, undefined));
});

test("policy document: read as IAM sends it, encoded or not, and with a single statement", () => {
  const text = JSON.stringify(one);
  const single = JSON.stringify({ Version: "2012-10-17", Statement: one.Statement[0] });

  assert.ok(samePolicy(parsePolicy(text), parsePolicy(encodeURIComponent(text))));
  assert.deepEqual(parsePolicy(single)?.Statement, [one.Statement[0]]);
  for (const broken of [undefined, "", "null", "[]", "{", "%zz", "%7B%", "%E0%A4%A"])
    assert.equal(parsePolicy(broken), undefined);
});

test("policy document: none is the same as none, and as no other", () => {
  assert.equal(samePolicy(undefined, undefined), true);
  assert.equal(samePolicy(undefined, one), false);
});

test("policy document: what is excepted counts in any case of its letters, and is no resource", () => {
  const excepting = (key: string, value: string) => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Deny", [key]: value, Resource: "*" }],
  });

  assert.ok(samePolicy(excepting("NotAction", "S3:Get*"), excepting("NotAction", "s3:get*")));
  assert.ok(!samePolicy(excepting("NotAction", "s3:get*"), excepting("Action", "s3:get*")));
  assert.ok(!samePolicy(excepting("NotResource", "arn:A"), excepting("NotResource", "arn:a")));
});

test("policy document: keeps its version, has none where none was, and leaves out what is no statement", () => {
  const [statement] = one.Statement;

  assert.deepEqual(
    parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement: [statement, "x", null] })),
    {
      Version: "2012-10-17",
      Statement: [statement],
    },
  );
  for (const text of ["{}", '{"Version":7}', ' \n{"Statement":[]}', "%7B%7D", " %7B%7D"])
    assert.deepEqual(parsePolicy(text), { Statement: [] }, text);
});
