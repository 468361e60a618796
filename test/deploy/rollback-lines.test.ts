import assert from "node:assert/strict";
import { it } from "node:test";
import { rollbackLines } from "../../lib/deploy/rollback.ts";

const image = (digit: string) =>
  `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/shop@sha256:${digit.repeat(64)}`;

it("tells of a rollback in lines that fit a terminal", () => {
  const lines = rollbackLines({
    from: { number: 3 },
    to: { release: { number: 2, by: "arn:aws:sts::123456789012:user/ada", at: "2026-11-27T07:06:09Z" } },
    differences: [{ field: "image", observed: image("a"), desired: image("b") }],
  });

  assert.deepEqual(lines, [
    "release 4 would be release 2 again, which user/ada published at 2026-11-27 07:06 UTC",
    `  ~ image              berth/shop@sha256:${"a".repeat(12)} -> berth/shop@sha256:${"b".repeat(12)}`,
  ]);
});
