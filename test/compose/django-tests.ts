import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonPath } from "../../lib/local/python.ts";
import { run } from "../../setup/child-process.ts";
import { ensureDjango } from "../../setup/python/python.ts";
import { root } from "../../lib/paths.ts";

/** Leaves out tests that need Postgres or that root can't run. django.docker.test.ts runs all of them. */
const left = [
  "--exclude-tag",
  "postgres",
  ...(process.getuid?.() === 0 ? ["--exclude-tag", "unprivileged"] : []),
];

/** Runs these test modules of the Django app on sqlite, without an engine, and expects at least that many tests. */
export async function runDjangoTests(modules: readonly string[], atLeast: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-django-"));
  try {
    const environment = {
      PYTHONPATH: await ensureDjango(),
      // Bytecode beside the sources could come from another version of them.
      PYTHONDONTWRITEBYTECODE: "1",
      DJANGO_SETTINGS_MODULE: "pageviews.tests.sqlite_settings",
      DJANGO_TEST_FOLDER: folder,
      DJANGO_STATIC_ROOT: join(folder, "static"),
      DJANGO_SECRET_KEY_FILE: join(folder, "django_secret_key"),
      DB_PASSWORD_FILE: join(folder, "db_password"),
    };
    const django = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      run(pythonPath, args, {
        cwd: join(root, "dockerfiles", "django"),
        environment: { ...environment, ...more },
      });
    const secrets = await django(["-m", "site_settings.first_secrets", folder]);
    assert.equal(secrets.code, 0, secrets.lines.join("\n"));
    const collect = ["manage.py", "collectstatic", "--no-input", "--verbosity", "0"];
    assert.deepEqual((await django(collect, { DJANGO_ADMIN: "1" })).lines, []);

    const named = modules.map((module) => `pageviews.tests.test_${module}`);
    const { code, lines } = await django(["manage.py", "test", "--shuffle", ...left, ...named]);

    assert.equal(code, 0, lines.join("\n"));
    const [, count] = /^Ran (\d+) tests in /m.exec(lines.join("\n")) ?? [];
    assert.ok(Number(count) >= atLeast, `${count ?? "no"} tests were run, of at least ${atLeast}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
