import { test } from "node:test";
import { runDjangoTests } from "./django-tests.ts";

test("Django is set up as it should be, without an engine", () =>
  runDjangoTests(["settings", "gunicorn"], 16));
