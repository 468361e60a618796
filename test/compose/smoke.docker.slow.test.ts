import assert from "node:assert/strict";
import { test } from "node:test";
import { connectDocker } from "../../lib/docker/connection.ts";
import { listLeftovers } from "./leftovers.ts";
import { runSmoke } from "./run-smoke.ts";

test("the cluster communicates, and returns from every fault", async (t) => {
  const docker = await connectDocker();
  const { exitCode, checks, errors, summary } = await runSmoke(["--timeout", "600"]);
  for (const { between, name, seen } of checks) t.diagnostic(`${between}: ${name}: ${seen}`);
  assert.deepEqual(errors, []);
  assert.equal(exitCode, 0);
  assert.equal(summary.outcome, "done");
  assert.deepEqual(
    checks.filter(({ outcome }) => outcome !== "passed"),
    [],
  );
  assert.ok(checks.length >= 24, `${checks.length} checks`);
  assert.deepEqual(await listLeftovers(docker, summary.project ?? ""), []);
});
