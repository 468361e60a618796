import { EC2ServiceException } from "@aws-sdk/client-ec2";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainAwsError } from "../../lib/aws/explanation.ts";
import { BerthError } from "../../lib/errors.ts";

function answer(name: string, message: string, requestId?: string): EC2ServiceException {
  const metadata = requestId === undefined ? {} : { requestId };
  return new EC2ServiceException({ name, message, $fault: "client", $metadata: metadata });
}

function told(error: unknown, resource?: string) {
  const explained = explainAwsError(error, "up", resource);
  assert.ok(explained instanceof BerthError);
  const { code, message, hint, detail } = explained;
  return { code, message, hint, detail, resource: explained.resource };
}

describe("a denial", () => {
  const text =
    "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ec2:RunInstances on resource: x";

  it("names the caller and the call, and shows AWS's own words", () => {
    assert.deepEqual(told(answer("UnauthorizedOperation", text), "instance"), {
      code: "AccessDenied",
      message: "up: arn:aws:iam::123456789012:user/ann may not call ec2:RunInstances",
      hint: "allow ec2:RunInstances in a policy of the caller",
      detail: [text],
      resource: "instance",
    });
  });

  it("names no more than AWS did", () => {
    assert.deepEqual(told(answer("AccessDenied", "Access Denied")), {
      code: "AccessDenied",
      message: "up: the caller may not do that",
      hint: "grant the permission to the caller",
      detail: ["Access Denied"],
      resource: undefined,
    });
  });
});

describe("another answer of AWS", () => {
  it("is told with its own code and words, and the id by which AWS finds the call", () => {
    const error = answer("InvalidParameterValue", "that is no value", "r-1");

    assert.deepEqual(told(error), {
      code: "InvalidParameterValue",
      message: "up: that is no value",
      hint: undefined,
      detail: ["AWS request id r-1"],
      resource: undefined,
    });
  });

  it("is told without an id where AWS gave none", () => {
    assert.deepEqual(told(answer("InvalidParameterValue", "that is no value")).detail, []);
  });
});

describe("what can't be reached", () => {
  const lost = (more: object) => Object.assign(new Error("no route"), { code: "ENOTFOUND", ...more });

  it("is named, where the system tells its name", () => {
    const { code, message } = told(lost({ hostname: "ec2.eu-central-1.amazonaws.com" }));

    assert.equal(code, "Unreachable");
    assert.equal(message, "up: ec2.eu-central-1.amazonaws.com can't be reached (no route)");
  });

  it("is AWS where it doesn't", () => {
    for (const more of [{}, { hostname: 7 }])
      assert.equal(told(lost(more)).message, "up: AWS can't be reached (no route)");
  });

  it("is found below what wraps it", () => {
    const wrapped = new Error("failed", { cause: new Error("again", { cause: lost({}) }) });

    assert.equal(told(wrapped).code, "Unreachable");
  });
});

describe("what didn't come from AWS", () => {
  it("stays as it is", () => {
    const own = new BerthError({ code: "AccessDenied", message: "ours" });
    const others = [
      own,
      new TypeError("a bug"),
      "text",
      undefined,
      Object.assign(new Error("x"), { code: 7 }),
    ];

    for (const error of others) assert.equal(explainAwsError(error, "up", "vpc"), error);
  });
});
