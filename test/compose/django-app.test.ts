import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../lib/paths.ts";
import { runDjangoTests } from "./django-tests.ts";

const elsewhere = new Set(["gunicorn", "https", "settings"]);
const modules = readdirSync(join(root, "dockerfiles/django/pageviews/tests"))
  .flatMap((name) => /^test_(\w+)\.py$/.exec(name)?.[1] ?? [])
  .filter((name) => !elsewhere.has(name));

test("Django counts, tells its health and keeps its secrets, on sqlite, without an engine", () =>
  runDjangoTests(modules, 30));
