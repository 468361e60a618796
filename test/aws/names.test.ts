import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketName, instanceProfileName, repositoryName, roleName } from "../../lib/aws/names.ts";

const place = { account: "123456789012", region: "ap-southeast-3" };
const longest = "a".repeat(24);

test("names: the first of a kind is called after the stack alone", () => {
  assert.equal(
    bucketName(place, { stack: "hello", name: "bucket" }),
    "berth-hello-123456789012-ap-southeast-3",
  );
  assert.equal(repositoryName({ stack: "hello", name: "repository" }), "berth/hello");
  assert.equal(roleName(place, { stack: "hello", name: "role" }), "berth-hello-ap-southeast-3");
  assert.equal(roleName(place, { stack: "hello", name: "job-role" }), "berth-hello-ap-southeast-3-job-role");
});

test("names: AWS takes the longest, and they stay different", () => {
  const name = "a-very-long-name-of-a-bucket";
  const buckets = ["one", "two"].map((end) => bucketName(place, { stack: longest, name: `${name}-${end}` }));

  assert.equal(new Set(buckets).size, 2);
  for (const one of buckets) assert.match(one, /^[a-z0-9-]{3,63}$/);
  assert.ok(instanceProfileName(place, { stack: longest, name: name.repeat(3) }).length <= 64);
});
