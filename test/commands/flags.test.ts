import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { exitCodes } from "../../lib/errors.ts";
import { optionsOf, parseFlags, readWords } from "../../lib/command/flags.ts";

const before = process.argv;
afterEach(() => void (process.argv = before));

function parse(command: string, ...args: string[]) {
  process.argv = ["node", "script", ...args];
  return parseFlags(command);
}

const none = {
  config: undefined,
  stack: undefined,
  local: false,
  waitMs: 0,
  yes: false,
  json: false,
  version: undefined,
  keepData: false,
  deleteData: false,
  restoreData: undefined,
  newData: false,
  upgradeOs: false,
  force: false,
  fresh: false,
  all: false,
  raw: false,
  page: undefined,
  follow: false,
  since: "10m",
  release: undefined,
  grep: undefined,
  app: false,
  host: undefined,
  operands: [],
};

describe("the options of a command", () => {
  it("are all off unless given", () => assert.deepEqual(parse("up"), none));

  for (const [args, changes] of [
    [["--yes"], { yes: true }],
    [["-y"], { yes: true }],
    [["--json"], { json: true }],
    [["--local"], { local: true }],
    [["--config", "a.yaml"], { config: "a.yaml" }],
    [["--config=a.yaml"], { config: "a.yaml" }],
    [["--stack", "other"], { stack: "other" }],
    [["--wait", "90"], { waitMs: 90_000 }],
    [["--wait", "0.5"], { waitMs: 500 }],
  ] as const) {
    it(`${args.join(" ")} means ${JSON.stringify(changes)}`, () => {
      assert.deepEqual(parse("up", ...args), { ...none, ...changes });
    });
  }

  for (const [command, args, changes] of [
    ["state restore", ["restore", "--version", "7"], { version: "7" }],
    ["state unlock", ["unlock", "--force"], { force: true }],
    ["state show", ["show", "--raw"], { raw: true }],
    ["maintenance on", ["on", "--page", "a.html"], { page: "a.html" }],
    ["history", ["--all"], { all: true }],
    ["down", ["--keep-data"], { keepData: true }],
    ["down", ["--delete-data"], { deleteData: true }],
    ["up", ["--restore-data", "latest"], { restoreData: "latest" }],
    ["up", ["--new-data"], { newData: true }],
    ["shell", ["--app"], { app: true }],
    ["shell", ["--host", "i-1"], { host: "i-1" }],
  ] as const) {
    it(`of ${command} alone: ${args.join(" ")}`, () => {
      assert.deepEqual(parse(command, ...args), { ...none, ...changes });
      for (const other of ["plan", "status", "state history"])
        assert.throws(() => parse(other, ...args.filter((one) => one.startsWith("--"))), {
          code: "BadArguments",
        });
      const words: readonly string[] = args;
      assert.ok(!optionsOf("plan").some(([name]) => words.includes(`--${name}`)));
    });
  }

  it("that exclude each other are refused together", () => {
    const message = /--keep-data and --delete-data exclude each other/;
    assert.throws(() => parse("down", "--keep-data", "--delete-data"), { code: "BadArguments", message });
    assert.throws(() => parse("up", "--new-data", "--restore-data", "latest"), { code: "BadArguments" });
  });

  for (const [args, message] of [
    [["--jsn"], /unknown option --jsn; did you mean --json\?/],
    [["--jnos"], /unknown option --jnos; did you mean --json\?$/],
    [["--jxxx"], /unknown option --jxxx; did you mean --json\?$/],
    [["--zzzzzzzzz"], /unknown option --zzzzzzzzz$/],
    [["--yes=no"], /--yes takes no value/],
    [["--json=false"], /--json takes no value/],
    [["--config"], /--config needs a value/],
    [["--wait", "soon"], /--wait takes seconds, not "soon"/],
    [["--wait=-1"], /--wait takes seconds, not "-1"/],
    [["now"], /unexpected argument "now"/],
    [["--stack", "Shop"], /^--stack "Shop": use lower-case letters, digits and single hyphens/],
    [["--stack", "a".repeat(25)], /^--stack "a+": use at most 24 characters/],
    [["--stack", ""], /^--stack needs a value$/],
    [["--config="], /^--config needs a value$/],
    [["--wait="], /^--wait needs a value$/],
    [["--stack", "--local"], /^--stack needs a value, and --local follows$/],
    [["--config", "--yes"], /^--config needs a value, and --yes follows$/],
  ] as const) {
    it(`refuse ${args.join(" ")}, as bad input`, () => {
      assert.throws(() => parse("up", ...args), {
        code: "BadArguments",
        exitCode: 3,
        message,
        hint: "berth up --help lists what there is",
      });
    });
  }

  it("give help before anything else is asked", () => {
    for (const args of [["--help"], ["-h"], ["--help", "--yes"]]) assert.equal(parse("up", ...args), "help");
  });

  it("let the words of a command through, and no other", () => {
    assert.deepEqual(parse("state show", "show"), none);
    assert.throws(() => parse("state show", "show", "more"), { message: 'unexpected argument "more"' });
    process.argv = ["node", "script", "show", "--config", "a.yaml", "more"];
    assert.deepEqual(readWords(), ["show", "more"]);
    process.argv = ["node", "script", "--jsn", "show"];
    assert.deepEqual(readWords(), ["show"]);
  });
});

describe("exit codes", () => {
  it("are what scripts rely on", () => {
    assert.deepEqual(exitCodes, {
      done: 0,
      failed: 1,
      changesPending: 2,
      badInput: 3,
      leaseHeld: 4,
      releaseUnhealthy: 5,
      leftBehind: 6,
      interrupted: 130,
    });
  });
});
