import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fromRoot } from "../../lib/paths.ts";
import { countAnswers } from "../../setup/demo/requests.ts";
import { until } from "../local/temporary-aws.ts";
import { requireExit, writesOf } from "./command-line.ts";
import { openHome, Stack } from "./stack.ts";

test("from a Dockerfile to a URL and back to nothing", async (t) => {
  await using home = await openHome();
  const stack = new Stack(home, "hello");
  await stack.configure({ source: fromRoot("dockerfiles/go-web"), isSecure: true });
  let url: unknown;

  await t.test(
    "up ends with an HTTPS URL at which an app that fails one request in ten hardly ever does",
    async () => {
      const run = await stack.up();

      requireExit(run, 0);
      url = run.summary["url"];
      assert.match(String(url), /^https:/);
      const authority = await readFile(join(home.directory, "local/web-authority.pem"), "utf8");
      assert.deepEqual(await countAnswers(String(url), 200, authority), new Map([["200", 200]]));
    },
  );

  await t.test("up again changes nothing: no write call to any service", async () => {
    const run = await stack.up();

    requireExit(run, 0);
    assert.equal(run.summary["outcome"], "unchanged");
    assert.equal(writesOf(run), 0);
    assert.equal(run.summary["url"], url);
  });

  await t.test("down leaves nothing in AWS, and no embedded AWS either", async () => {
    const run = await stack.down();
    const again = await stack.down();

    requireExit(run, 0);
    assert.deepEqual(run.summary["left"], []);
    requireExit(again, 0);
    assert.equal(again.summary["outcome"], "unchanged");
    await until(async () => (await home.supervisor()) === undefined);
  });
});
