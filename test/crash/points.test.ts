import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Point } from "../strict-aws/hooks.ts";
import { Recording } from "./points.ts";

type Call = readonly [
  number: number,
  operation: string,
  of?: { url?: string; body?: string; status?: number },
];

/** A run in which each call is answered before the next one arrives. */
function recordRun(calls: readonly Call[], before?: string): string[] {
  const recording = new Recording(before);
  for (const [number, operation, { url = "/", body = "", status = 200 } = {}] of calls) {
    const service = url === "/" ? ("ec2" as const) : ("s3" as const);
    const kind = operation.startsWith("Describe") ? ("read" as const) : ("write" as const);
    const call: Point["call"] = {
      number,
      service,
      operation,
      kind,
      region: "eu-central-1",
      url,
      body: Buffer.from(body),
    };
    recording.see({ stage: "arrived", call });
    recording.see({ stage: "decided", call, status });
    recording.see({ stage: "answered", call, status });
  }
  return recording.writes.map((one) => `${one.operation}#${one.ordinal}`);
}

const saves = (...documents: object[]): Call[] =>
  documents.map((one, index) => [
    100 + index,
    "PutObject",
    { url: "/bucket/state.json", body: JSON.stringify({ superseded: [], ...one }) },
  ]);

describe("the names of a run's writes", () => {
  it("count what succeeded, and leave reads out", () => {
    const refused = { status: 400 };
    const names = recordRun([
      [1, "DescribeVpcs"],
      [2, "DeleteSubnet", refused],
      [3, "DeleteSubnet", refused],
      [4, "DeleteSubnet"],
      [5, "DeleteSubnet"],
    ]);
    assert.deepEqual(names, ["ec2:DeleteSubnet#1", "ec2:DeleteSubnet#2"]);
  });

  it("are the same for each probe of the bucket, whatever its random name", () => {
    const url = (name: string) => `/bucket/probe/${name}`;
    const names = recordRun([
      [1, "PutObject", { url: url("a") }],
      [2, "PutObject", { url: url("b") }],
      [3, "DeleteObject", { url: url("b") }],
    ]);
    assert.deepEqual(names, ["s3:PutObject probe#1", "s3:PutObject probe#2", "s3:DeleteObject probe#1"]);
  });

  it("let the second page of a bucket that is emptied stand for all after it", () => {
    const pages: Call[] = [1, 2, 3, 4].map((number) => [number, "DeleteObjects", { url: "/bucket?delete" }]);
    assert.deepEqual(recordRun(pages), ["s3:DeleteObjects#1", "s3:DeleteObjects#2"]);
  });

  it("tell a save by what it says, however many saves it takes to say it", () => {
    const intents = { resources: { vpc: {}, role: {} } };
    const vpc = { resources: { vpc: { id: "vpc-1" }, role: {} } };
    const both = { resources: { vpc: { id: "vpc-1" }, role: { id: "berth" } } };
    const expected = ["intents", "vpc", "role"].map((said) => `s3:PutObject state.json (${said})#1`);
    assert.deepEqual(recordRun(saves(intents, vpc, both)), expected);
    assert.deepEqual(recordRun(saves(intents, both)), expected);
  });

  it("tell what goes, and what was replaced, from the state that the run finds", () => {
    const before = { resources: { vpc: { id: "vpc-1" }, host: { id: "i-1" } }, superseded: [] };
    const old = { superseded: [{ name: "host", id: "i-1" }] };
    const replacing = { resources: { vpc: { id: "vpc-1" }, host: {} }, ...old };
    const replaced = { resources: { vpc: { id: "vpc-1" }, host: { id: "i-2" } }, ...old };
    const removed = { resources: { host: { id: "i-2" } }, superseded: [] };
    assert.deepEqual(
      recordRun(saves(replacing, replaced, removed, removed), JSON.stringify(before)),
      ["intents", "host", "vpc gone", "old host gone", "again"].map(
        (said) => `s3:PutObject state.json (${said})#1`,
      ),
    );
  });
});
