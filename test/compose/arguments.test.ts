import assert from "node:assert/strict";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { parseOptions } from "../../compose/options.ts";
import { runSmoke, startSmoke } from "./run-smoke.ts";

test("a cluster of its own is checked in full; a running one is not broken unless asked", () => {
  const own = parseOptions([]);
  const running = parseOptions(["--running"]);
  const asked = parseOptions(["--running", "--faults"]);
  assert.deepEqual([own.faults, running.faults, asked.faults], [true, false, true]);
});

for (const args of [["--nope"], ["extra"], ["--timeout", "soon"], ["--faults"], ["--running", "--keep"]]) {
  test(`${args.join(" ")} is refused before anything is touched`, () => {
    assert.throws(() => parseOptions(args), TypeError);
  });
}

test("a mistake in the arguments is told in the format that they ask for, and ends with exit code 3", async () => {
  const { exitCode, errors, summary } = await runSmoke(["--timeout", "soon"]);
  assert.equal(exitCode, 3);
  assert.deepEqual(
    errors.map(({ code, message, hint }) => [code, message, hint]),
    [
      [
        "BadArguments",
        '--timeout takes seconds, at most a day of them, not "soon"',
        "npm run smoke -- --help lists what can be chosen",
      ],
    ],
  );
  assert.equal(summary.outcome, "failed");
});

test("--help explains itself on stdout", async () => {
  const child = startSmoke(["--help"]);
  const [stdout, [exitCode]] = await Promise.all([text(child.stdout), once(child, "close")]);
  assert.equal(exitCode, 0);
  for (const word of ["--file", "--running", "--keep", "--json", "Exit codes"])
    assert.ok(stdout.includes(word));
});

test("a missing file ends with exit code 3", async () => {
  const { exitCode, errors } = await runSmoke(["--file", "/nowhere/compose.yml"]);
  assert.equal(exitCode, 3);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["BadComposeFile"],
  );
});

test("without an engine it says so, and what to do", async () => {
  const { exitCode, errors, summary } = await runSmoke([], { DOCKER_HOST: "unix:///nowhere/docker.sock" });
  assert.equal(exitCode, 1);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["NoDockerEngine"],
  );
  assert.ok(errors[0]?.hint);
  assert.equal(summary.outcome, "failed");
});
