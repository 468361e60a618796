import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { findComposeTool } from "../../compose/compose-tool.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { runIn } from "./belongings.ts";
import { listLeftovers } from "./leftovers.ts";
import { runSmoke, type SmokeRun } from "./run-smoke.ts";
import { buildOnce, composeFolder, type Variant, writeVariant } from "./variant.ts";

const docker = await connectDocker();

/** The cluster broken on purpose: each time the right words, nothing left behind. */
describe("the smoke test is red", { concurrency: 3 }, () => {
  before(buildOnce);

  test("when nginx points at a wrong port", async () => {
    await using variant = await writeVariant(async (file, folder) => {
      const wrong = join(folder, "nginx.conf");
      const text = await readFile(join(composeFolder, "nginx/nginx.conf"), "utf8");
      await writeFile(wrong, text.replace("web:8000", "web:8999"), { mode: 0o644 });
      file.setIn(["services", "nginx", "volumes", 0], `${wrong}:/etc/nginx/nginx.conf:ro`);
    });
    const { errors } = await runRed(variant);
    const error = findError(errors, "CheckFailed", "nginx");
    assert.match(error.message ?? "", /nginx answers 502: it can't get an answer from web/);
    assert.match(error.hint ?? "", /compare the address in nginx's upstream with the port/);
    assert.ok(
      error.detail?.some((line) => line.includes(":8999")),
      error.detail?.join("\n"),
    );
  });

  test("when the password is wrong", async () => {
    await using variant = await writeVariant((file) => {
      for (const service of ["migrate", "web"]) {
        file.setIn(["services", service, "environment", "DB_PASSWORD_FILE"], "/etc/hostname");
      }
    });
    const { errors } = await runRed(variant);
    const error = findError(errors, "DatabasePasswordRefused", "migrate");
    assert.match(
      error.message ?? "",
      /service migrate: ended with exit code 1.*refused the password \(SQLSTATE 28P01\)/,
    );
    assert.ok(error.detail?.some((line) => line.includes("password authentication failed")));
  });

  test("when migrations are missing", async () => {
    await using variant = await writeVariant((file) => {
      file.setIn(["services", "migrate", "command"], ["true"]);
      file.setIn(["services", "web", "healthcheck", "start_period"], "1s");
      // Long enough for a busy computer to start it; what is asked is what the last look says.
      file.setIn(["services", "web", "healthcheck", "interval"], "1s");
      file.setIn(["services", "web", "healthcheck", "retries"], 60);
    });
    const { errors } = await runRed(variant);
    const error = findError(errors, "MigrationsMissing", "web");
    assert.match(error.message ?? "", /lacks migrations: pageviews\.0001_initial/);
    assert.equal(error.hint, "see why service migrate didn't make them");
  });

  test("when the database is published to the host, and when a service is let off its leash", async () => {
    await using variant = await writeVariant((file) => {
      // A port of a container that is on internal networks only is not published at all.
      file.setIn(["services", "db", "networks"], ["data", "edge"]);
      file.setIn(["services", "db", "ports"], ["127.0.0.1::5432"]);
      file.deleteIn(["services", "web", "cap_drop"]);
    });
    const { errors, checks } = await runRed(variant);
    const words = errors.map(({ message }) => message).join("\n");
    assert.match(words, /service db is published to the host at 127\.0\.0\.1:\d+/);
    assert.match(words, /web has capabilities/);
    const counted = checks.find(({ name }) => name === "the count rises by one each time");
    assert.equal(counted?.outcome, "passed");
    assert.ok(
      checks.some(({ outcome, seen }) => outcome === "skipped" && seen === "an earlier check failed"),
    );
  });

  test("when a service never becomes healthy", async () => {
    await using variant = await writeVariant((file) => {
      file.setIn(["services", "nginx", "healthcheck", "test"], ["CMD", "false"]);
      file.setIn(["services", "nginx", "healthcheck", "start_period"], "300s");
    });
    const { errors } = await runRed(variant, ["--timeout", "6"]);
    const error = findError(errors, "ServiceNotReady", "nginx");
    assert.match(error.message ?? "", /service nginx: starting: .*\(waited 6 s\)/);
  });

  test("when the volume is of an older Postgres, which it leaves alone", async () => {
    const name = `berth-test-${randomBytes(4).toString("hex")}`;
    await docker.createVolume({ Name: name });
    const tool = await findComposeTool();
    await using variant = await writeVariant((file) => {
      file.setIn(["volumes", "db-data"], { name, external: true });
      file.setIn(["services", "db", "restart"], "no");
    });
    const place = ["-f", variant.path, "-p", name];
    try {
      await runIn(
        docker,
        name,
        "mkdir -p /v && echo 15 > /v/PG_VERSION && chown -R 999:999 /v && chmod 700 /v",
      );
      // A cluster of its own would have a volume of its own. Fails, because the database ends.
      await tool.run([...place, "up", "-d"]);
      // Something has to run for there to be a cluster.
      await tool.run([...place, "up", "-d", "--no-deps", "nginx"]);
      const { errors, exitCode } = await runSmoke(["--running", "--project", name, "--file", variant.path]);
      assert.equal(exitCode, 1);
      const error = findError(errors, "OldDatabaseVolume", "db");
      assert.match(
        error.message ?? "",
        new RegExp(`volume ${name} was made by PostgreSQL 15, .* PostgreSQL 17`),
      );
      assert.match(error.hint ?? "", /Nothing was deleted/);
      assert.equal(await runIn(docker, name, "cat /v/PG_VERSION"), "15");
    } finally {
      await tool.run([...place, "down", "--volumes", "--timeout", "2"]);
      await docker.getVolume(name).remove();
    }
  });

  test("when the image doesn't build", async () => {
    await using variant = await writeVariant(async (file, folder) => {
      await writeFile(join(folder, "Dockerfile"), "FROM debian:trixie-slim\nRUN echo the-reason && exit 7\n");
      for (const service of ["secrets", "migrate", "web"]) {
        file.setIn(["services", service, "build"], { context: folder });
        file.setIn(["services", service, "image"], "berth-test-broken:local");
      }
    });
    const { errors } = await runRed(variant);
    const [error] = errors;
    assert.equal(error?.code, "ImageNotBuilt");
    assert.ok(
      error.detail?.some((line) => line.includes("the-reason")),
      error.detail?.join("\n"),
    );
  });

  test("when there is no compose tool", async () => {
    const { exitCode, errors } = await runSmoke([], { BERTH_COMPOSE: "/nowhere/docker-compose" });
    assert.equal(exitCode, 1);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["NoComposeTool"],
    );
  });

  test("when nothing runs under that name", async () => {
    const { exitCode, errors } = await runSmoke(["--running", "--project", "berth-test-nobody"]);
    assert.equal(exitCode, 3);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["NothingRuns"],
    );
  });
});

async function runRed({ path }: Variant, args: readonly string[] = []): Promise<SmokeRun> {
  const run = await runSmoke(["--file", path, ...args]);
  assert.equal(run.exitCode, 1, JSON.stringify(run.errors, null, 2));
  assert.equal(run.summary.outcome, "failed");
  assert.deepEqual(await listLeftovers(docker, run.summary.project ?? ""), []);
  return run;
}

function findError(errors: SmokeRun["errors"], code: string, resource: string) {
  const error = errors.find((one) => one.code === code && one.resource === resource);
  assert.ok(error, `no ${code} of ${resource} in ${JSON.stringify(errors, null, 2)}`);
  return error;
}
