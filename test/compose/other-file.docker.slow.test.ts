import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { connectEngine } from "../../lib/docker/engine.ts";
import { listLeftovers } from "./leftovers.ts";
import { runSmoke, startSmoke } from "./run-smoke.ts";

// Somebody else's file: nothing of ours in it, and images that are here anyway.
const otherFile = `
services:
  store:
    image: nginx:1.30-trixie
    networks: [back]
  front:
    image: nginx:1.30-trixie
    depends_on: [store]
    ports: ["127.0.0.1::80"]
    networks: [back, outside]
  stranger:
    image: debian:trixie-slim
    command: ["sleep", "600"]
    init: true
    networks: [outside]
networks: {back: {internal: true}, outside: {}}
`;

const docker = await connectEngine();

describe("another compose file", { concurrency: 2 }, () => {
  test("gets the checks that make sense for any", async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-other-"));
    try {
      const path = join(folder, "docker-compose.yml");
      await writeFile(path, otherFile);
      const { exitCode, checks, errors, summary } = await runSmoke(["--file", path]);
      assert.deepEqual(errors, []);
      assert.equal(exitCode, 0);
      const done = new Set(checks.map(({ between }) => between));
      assert.deepEqual(
        done,
        new Set(["host → front", "front → store", "store ✗ stranger", "stranger ✗ store"]),
      );
      assert.deepEqual(await listLeftovers(docker, summary.project ?? ""), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a dependency that nothing answers for is red", async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-other-"));
    try {
      const path = join(folder, "docker-compose.yml");
      await writeFile(
        path,
        otherFile.replace(
          "networks: [back]",
          'networks: [back]\n    command: ["sleep", "600"]\n    init: true',
        ),
      );
      const { exitCode, errors } = await runSmoke(["--file", path]);
      assert.equal(exitCode, 1);
      assert.match(errors[0]?.message ?? "", /service store listens on no port/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("Ctrl-C in the middle removes what was started, and ends with 130", async () => {
    const child = startSmoke(["--json"]);
    let project = "";
    const stopped = once(child, "close");
    for await (const line of createInterface(child.stdout)) {
      const found = /starting project (berth-smoke-[0-9a-f]+)/.exec(line)?.[1];
      if (found === undefined) continue;
      project = found;
      while ((await listLeftovers(docker, project)).length === 0) await sleep(50);
      child.kill("SIGINT");
    }
    const [exitCode] = await stopped;
    assert.equal(exitCode, 130);
    assert.match(project, /^berth-smoke-/);
    assert.deepEqual(await listLeftovers(docker, project), []);
  });

  test("a cluster that was kept can be checked as a running one, and stays", async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-other-"));
    const path = join(folder, "docker-compose.yml");
    await writeFile(path, 'services: {front: {image: "nginx:1.30-trixie", ports: ["127.0.0.1::80"]}}\n');
    const kept = await runSmoke(["--keep", "--file", path]);
    const project = kept.summary.project ?? "";
    try {
      assert.equal(kept.exitCode, 0, JSON.stringify(kept.errors));
      const again = await runSmoke(["--running", "--project", project, "--file", path]);
      assert.equal(again.exitCode, 0, JSON.stringify(again.errors));
      assert.ok((await listLeftovers(docker, project)).length > 0, "it was taken away");
    } finally {
      await (await findComposeTool()).run(["-f", path, "-p", project, "down", "-v", "-t", "2"]);
      await rm(folder, { recursive: true });
    }
    assert.deepEqual(await listLeftovers(docker, project), []);
  });
});
