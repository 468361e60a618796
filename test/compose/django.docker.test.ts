import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type Docker from "dockerode";
import { execute } from "../../compose/container.ts";
import { connectDocker } from "../../lib/docker/connection.ts";
import { fromRoot } from "../../lib/paths.ts";
import { buildOnce } from "./variant.ts";

const source = fromRoot("dockerfiles/django");

test("Django's own tests pass against Postgres, in the image that is shipped", async (t) => {
  const docker = await connectDocker();
  await buildOnce();
  const name = `berth-test-${randomBytes(4).toString("hex")}`;
  const password = randomBytes(24).toString("hex");
  const network = await docker.createNetwork({ Name: name, Internal: true });
  const database = await createDatabase(docker, name, password);
  t.after(async () => {
    await database.remove({ force: true, v: true });
    await network.remove();
  });
  await startDatabase(database);

  const tests = await runTests(docker, name, password);

  assert.equal(tests.exitCode, 0, tests.output);
  assert.match(tests.output, /Ran [3-9]\d tests/);
  assert.doesNotMatch(tests.output, /skipped=/);
});

const createDatabase = (docker: Docker, name: string, password: string): Promise<Docker.Container> =>
  docker.createContainer({
    name: `${name}-db`,
    Image: "postgres:17-trixie",
    Cmd: ["postgres", "-cfsync=off"],
    Env: [`POSTGRES_PASSWORD=${password}`],
    HostConfig: { NetworkMode: name, Tmpfs: { "/var/lib/postgresql/data": "mode=1777" } },
  });

async function startDatabase(container: Docker.Container): Promise<void> {
  await container.start();
  const wait = "until pg_isready -q -h 127.0.0.1 -U postgres; do sleep 0.2; done";
  const { exitCode } = await execute(container, ["timeout", "600", "sh", "-c", wait]);
  assert.equal(exitCode, 0, "the test's Postgres doesn't become ready");
}

async function runTests(docker: Docker, name: string, password: string) {
  const script =
    'printf %s "$TEST_PASSWORD" > /tmp/password; unset TEST_PASSWORD; python -m site_settings.first_secrets /tmp;' +
    "export DJANGO_SECRET_KEY_FILE=/tmp/django_secret_key DB_PASSWORD_FILE=/tmp/password;" +
    "exec python manage.py test --shuffle";
  const container = await docker.createContainer({
    Image: "berth-django:local",
    Cmd: ["sh", "-c", script],
    WorkingDir: "/source",
    Tty: true,
    Env: [
      `TEST_PASSWORD=${password}`,
      `DB_HOST=${name}-db`,
      "DB_USER=postgres",
      "DB_NAME=postgres",
      "DJANGO_STATIC_ROOT=/app/static-collected",
    ],
    HostConfig: {
      NetworkMode: name,
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "mode=1777" },
      Binds: [`${source}:/source:ro`],
    },
  });
  try {
    await container.start();
    const { StatusCode } = await container.wait();
    return {
      exitCode: StatusCode,
      output: String(await container.logs({ stdout: true, stderr: true, follow: false })),
    };
  } finally {
    await container.remove({ force: true, v: true });
  }
}
