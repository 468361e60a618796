import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHostReport } from "../../lib/release/reports.ts";
import { at } from "./releases.ts";

const logOf = (log: readonly string[]) =>
  parseHostReport(JSON.stringify({ release: 1, status: "failed", log, at }), "i-1").report?.log;

describe("a host's report of an app's log", () => {
  it("has no line if the app logged nothing, which a log's end reads as one empty line", () => {
    assert.deepEqual(logOf([""]), []);
    assert.deepEqual(logOf(["", " "]), []);
  });

  it("keeps empty lines between others", () => {
    assert.deepEqual(logOf(["one", "", "two"]), ["one", "", "two"]);
  });
});
