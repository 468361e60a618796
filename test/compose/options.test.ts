import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { parseOptions } from "../../compose/options.ts";

const own = {
  file: resolve("compose/docker-compose.yml"),
  running: false,
  project: undefined,
  faults: true,
  keep: false,
  json: false,
  timeoutMs: 90_000,
};
const running = { ...own, running: true, faults: false };

describe("the options of the smoke test", () => {
  for (const [args, options] of [
    [[], own],
    [["--file", "a.yml"], { ...own, file: "a.yml" }],
    [["--keep"], { ...own, keep: true }],
    [["--json"], { ...own, json: true }],
    [["--timeout", "0.5"], { ...own, timeoutMs: 500 }],
    [["--timeout", "1.0005"], { ...own, timeoutMs: 1001 }],
    [["--running"], running],
    [["--running", "--faults"], { ...running, faults: true }],
    [["--running", "--project", "shop"], { ...running, project: "shop" }],
  ] as const)
    it(args.length === 0 ? "none" : args.join(" "), () => assert.deepEqual(parseOptions(args), options));

  for (const [args, message] of [
    [["--timeout", "0"], /^--timeout takes seconds, at most a day of them, not "0"$/],
    [["--timeout", "soon"], /^--timeout takes seconds, at most a day of them, not "soon"$/],
    [["--timeout", "86401"], /not "86401"$/],
    [["--timeout", "Infinity"], /not "Infinity"$/],
    [["--running", "--keep"], /^--keep is for a cluster of its own/],
    [["--faults"], /^--faults and --project go with --running$/],
    [["--project", "shop"], /^--faults and --project go with --running$/],
    [["--fault"], /--fault/],
    [["now"], /now/],
  ] as const)
    it(`refuse ${args.join(" ")}`, () => {
      assert.throws(() => parseOptions(args), { name: "TypeError", message });
    });
});
