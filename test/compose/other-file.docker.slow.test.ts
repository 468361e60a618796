import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { connectDocker } from "../../lib/docker/connection.ts";
import { writeCase } from "./case.ts";
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

const listenLocally =
  '"printf \'server { listen 127.0.0.1:80; }\' > /etc/nginx/conf.d/default.conf; exec nginx -g \\"daemon off;\\""';

/** Without one, a service counts as ready while it runs. */
const neverWell = '{test: [CMD, "false"], interval: 1s, start_period: 300s}';

const docker = await connectDocker();
const run = promisify(execFile);

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
        new Set(["all", "host → front", "front → store", "store ✗ stranger", "stranger ✗ store"]),
      );
      assert.deepEqual(await listLeftovers(docker, summary.project ?? ""), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("builds from a folder beside its own, and leaves no image there", async () => {
    await using beside = await writeCase("", { Dockerfile: "FROM nginx:1.30-trixie\n" });
    await using file = await writeCase(
      `services: {front: {build: ../${basename(beside.folder)}, ports: ["127.0.0.1::80"]}}`,
    );
    const { exitCode, checks, errors, summary } = await runSmoke(["--file", file.path]);
    assert.deepEqual(errors, []);
    assert.equal(exitCode, 0);
    assert.ok(checks.some(({ between }) => between === "host → front"));
    assert.deepEqual(await listLeftovers(docker, summary.project ?? ""), []);
    assert.deepEqual(await readdir(beside.folder), ["Dockerfile", "docker-compose.yml"]);
  });

  test("a dependency that nothing answers for is red", async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-other-"));
    try {
      const path = join(folder, "docker-compose.yml");
      await writeFile(
        path,
        otherFile.replace(
          "networks: [back]",
          'networks: [back]\n    expose: ["80"]\n    command: ["sleep", "600"]\n    init: true',
        ),
      );
      const { exitCode, errors } = await runSmoke(["--file", path, "--timeout", "30"]);
      assert.equal(exitCode, 1);
      assert.match(errors[0]?.message ?? "", /service store listens on no TCP port/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("two services that fail are both told of, and the others are checked", async () => {
    await using file = await writeCase(`
services:
  front: {image: "nginx:1.30-trixie", ports: ["127.0.0.1::80"]}
  local: {image: "nginx:1.30-trixie", ports: ["127.0.0.1::80"], command: [sh, -c, ${listenLocally}]}
  first: {image: "debian:trixie-slim", command: [sh, -c, "sleep 2; echo the-first; exit 3"], healthcheck: ${neverWell}}
  second: {image: "debian:trixie-slim", command: [sh, -c, "sleep 2; echo the-second; exit 4"], healthcheck: ${neverWell}}
`);
    const { exitCode, checks, errors } = await runSmoke(["--file", file.path, "--timeout", "30"]);
    const said = errors.map(({ message }) => message).join("\n");
    assert.equal(exitCode, 1);
    assert.match(said, /service first: ended with exit code 3/);
    assert.match(said, /service second: ended with exit code 4/);
    assert.match(said, /service local publishes its port 80, but listens on 127\.0\.0\.1:80 only/);
    const front = checks.find(({ between }) => between === "host → front");
    assert.equal(front?.outcome, "passed", JSON.stringify(checks));
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

  test("a cluster that was kept can be checked as a running one, and goes by the command that is printed", async () => {
    await using file = await writeCase(
      'services: {front: {image: "nginx:1.30-trixie", ports: ["127.0.0.1::80"]}}\n',
    );
    const kept = await runSmoke(["--keep", "--file", file.path]);
    const project = kept.summary.project ?? "";
    const removal = kept.events
      .map(({ text }) => /^left running; to remove it: (.*)$/.exec(text ?? "")?.[1])
      .find((one) => one !== undefined);
    assert.ok(removal);
    try {
      assert.equal(kept.exitCode, 0, JSON.stringify(kept.errors));
      const again = await runSmoke(["--running", "--project", project, "--file", file.path]);
      assert.equal(again.exitCode, 0, JSON.stringify(again.errors));
      assert.ok((await listLeftovers(docker, project)).length > 0, "it was taken away");
    } finally {
      await run("sh", ["-c", removal]);
    }
    assert.deepEqual(await listLeftovers(docker, project), []);
    const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(project));
    assert.deepEqual(folders, []);
  });
});
