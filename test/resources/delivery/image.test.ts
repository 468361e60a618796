import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pushAddress } from "../../../lib/aws/registry.ts";

describe("where an image is pushed to", () => {
  const uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello";

  it("is the repository's own address, or the same name on another registry", () => {
    assert.equal(pushAddress(uri), uri);
    assert.equal(pushAddress(uri, "127.0.0.1:4566"), "127.0.0.1:4566/berth/hello");
  });
});
