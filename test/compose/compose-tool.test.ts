import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ComposeTool, findComposeTool } from "../../compose/compose-tool.ts";

/** Names its version as Compose does, then hears no SIGTERM. */
const deaf = `#!/bin/sh
if [ "$1" = version ]; then echo "Docker Compose version 2.26.1"; exit; fi
trap "" TERM
while :; do sleep 1; done
`;

describe("Compose, when it is stuck in reading a file,", () => {
  let folder: string;
  let tool: ComposeTool;
  const own = process.env["BERTH_COMPOSE"];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "berth-compose-"));
    await writeFile(join(folder, "compose"), deaf);
    await chmod(join(folder, "compose"), 0o755);
    process.env["BERTH_COMPOSE"] = join(folder, "compose");
    tool = await findComposeTool();
  });
  after(async () => {
    if (own === undefined) delete process.env["BERTH_COMPOSE"];
    else process.env["BERTH_COMPOSE"] = own;
    await rm(folder, { recursive: true });
  });

  it("is ended when its time is up, and that is said", async () => {
    const { exitCode, lines } = await tool.run(["config"], { limitMs: 500 });
    assert.notEqual(exitCode, 0);
    assert.deepEqual(lines, ["it took longer than 0.5 s, and was ended"]);
  });

  it("is ended by Ctrl-C too, though it hears no SIGTERM", async () => {
    const signal = AbortSignal.timeout(300);
    await assert.rejects(tool.run(["config"], { signal, limitMs: 60_000 }), { name: "TimeoutError" });
  });
});
