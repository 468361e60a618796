import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { pythonPath } from "../../lib/local/python.ts";
import { content, number, release } from "../../lib/release/schema.ts";
import { fromRoot } from "../../lib/paths.ts";

const readerSchema = z.object({
  bounds: z.record(z.string(), z.tuple([z.number(), z.number()])),
  content: z.array(z.string()),
  used: z.array(z.string()),
  serves: z.literal(true),
});

/** For the record only: nothing that runs depends on them. */
const unused = ["at", "by", "commit"];

async function readReader() {
  const folders = [fromRoot("lib/host/agent/usr/local/lib/berth"), fromRoot("test/host/decisions")];
  const { stdout } = await promisify(execFile)(pythonPath, ["-B", fromRoot("test/release/host-reader.py")], {
    env: { ...process.env, PYTHONPATH: folders.join(":"), PYTHONUTF8: "1" },
  });
  return readerSchema.parse(JSON.parse(stdout));
}

describe("the host's reader of a release", async () => {
  const reader = await readReader();

  it("goes by every field of the schema but those that are for the record", () => {
    assert.deepEqual(
      [...reader.used, ...unused].toSorted(),
      Object.keys(release.shape).toSorted(),
      "either the agent reads a new field, or it is named in this test as not used",
    );
  });

  it("refuses exactly the numbers that the schema refuses", () => {
    const numbers = Object.entries({ number, ...content.shape }).flatMap(([field, type]) =>
      type instanceof z.ZodNumber ? [[field, [type.minValue, type.maxValue]]] : [],
    );
    assert.deepEqual(reader.bounds, Object.fromEntries(numbers));
  });

  it("takes another number, or other content under the same number, for another release", () => {
    // What runs is the same, however long it was given to start: nothing is started anew for that.
    const compared = Object.keys(content.shape).filter((field) => field !== "startSeconds");
    assert.deepEqual(reader.content.toSorted(), ["number", ...compared].toSorted());
  });
});
