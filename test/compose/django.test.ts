import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pythonPath } from "../../lib/local/emulator.ts";
import { run } from "../../setup/child-process.ts";
import { ensureDjango } from "../../setup/python.ts";
import { root } from "../docs/tree.ts";

/** What needs Postgres, and what root can't see; django.docker.test.ts runs all. */
const left = [
  "--exclude-tag",
  "postgres",
  ...(process.getuid?.() === 0 ? ["--exclude-tag", "unprivileged"] : []),
];

test("Django's own tests pass on sqlite, without an engine", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "berth-django-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const environment = {
    PYTHONPATH: await ensureDjango(),
    // What is compiled ends with this run: bytecode beside the sources could be that of another version of them.
    PYTHONPYCACHEPREFIX: join(folder, "bytecode"),
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
  const collect = ["manage.py", "collectstatic", "--no-input", "--verbosity", "0"];
  assert.equal((await django(["-m", "site_settings.first_secrets", folder])).code, 0);
  assert.deepEqual((await django(collect, { DJANGO_ADMIN: "1" })).lines, []);

  const { code, lines } = await django(["manage.py", "test", "--shuffle", ...left]);

  assert.equal(code, 0, lines.join("\n"));
  assert.match(lines.join("\n"), /^Ran [5-9]\d tests in /m);
});
