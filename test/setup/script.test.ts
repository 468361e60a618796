import assert from "node:assert/strict";
import { test } from "node:test";
import { root } from "../../lib/paths.ts";
import { run } from "../../setup/child-process.ts";
import { allPayloads, assertHarmless, assertUnforged } from "../report/payloads.ts";

test("an error that nobody thought of is printed like any other, harmless and with exit code 1", async () => {
  const script = `
    const { runTarget } = await import("./setup/script.ts");
    const failing = () => Promise.reject(new RangeError(${JSON.stringify(allPayloads)}));
    await runTarget({ help: "", run: failing });
  `;

  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const { code, lines } = await run(process.execPath, args, { cwd: root });

  const output = lines.join("\n");
  assert.equal(code, 1, output);
  assert.match(output, /^error Unexpected: RangeError: /m);
  assertHarmless(output);
  assertUnforged(output);
});
