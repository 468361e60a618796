import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pythonPath } from "../../lib/local/python.ts";
import { run } from "../../setup/child-process.ts";
import { root } from "../../lib/paths.ts";

const folder = join(root, "test", "host");
const files = readdirSync(join(folder, "decisions")).filter((name) => /^test_.*\.py$/.test(name));

/** The host's Python is this computer's here, with the botocore of the emulators; on the host it is the system's. */
const python = ["-B", "-W", "error"];
const places = ["agent/usr/local/lib/berth", "launcher/usr/local/lib/berth-launcher"].map((place) =>
  join(root, "lib", "host", place),
);
const environment = { PYTHONPATH: places.join(":"), PYTHONUTF8: "1" };

describe("the host decides as it should", { concurrency: 2 }, () => {
  for (const file of ["decisions.py", ...files.map((name) => join("decisions", name))]) {
    it(`by ${file}`, async () => {
      const { code, lines } = await run(pythonPath, [...python, join(folder, file)], { environment });
      assert.equal(code, 0, lines.join("\n"));
      assert.match(lines.join("\n"), /^Ran [1-9]\d* tests? in /m);
      assert.equal(lines.at(-1), "OK");
    });
  }

  it("by all of its tests", () => {
    const names = [
      "agent",
      "bucket",
      "bundle",
      "certificates",
      "containers",
      "data",
      "edge",
      "edge_settings",
      "ends",
      "facts",
      "fetch",
      "gate",
      "hindrance",
      "images",
      "last_words",
      "launcher",
      "logs",
      "maintenance",
      "metrics",
      "rates",
      "release_command",
      "releases",
      "renewals",
      "reports",
      "room",
      "secrets",
      "senders",
      "shell",
      "steps",
      "trial",
      "volumes",
    ];
    assert.deepEqual(
      files.toSorted(),
      names.map((name) => `test_${name}.py`),
    );
  });
});
