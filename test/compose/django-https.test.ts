import { test } from "node:test";
import { runDjangoTests } from "./django-tests.ts";

test("Django knows who came by https, without an engine", () => runDjangoTests(["https"], 9));
