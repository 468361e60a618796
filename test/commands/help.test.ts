import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { commands } from "../../bin/commands.mjs";
import { parseFlags } from "../../lib/command/flags.ts";
import { requireExit, runScript } from "./command-line.ts";

const before = process.argv;
afterEach(() => void (process.argv = before));

/** Every command that a user can type, with the script that it is in. */
const all = Object.entries(commands).flatMap(([name, command]) => {
  if (!("script" in command) || /^(?:setup|compose)\//.test(command.script)) return [];
  const words = "words" in command ? command.words.map((word) => [name, word]) : [[name]];
  return words.map((path) => ({ path, script: command.script }));
});

describe("the help of a command", () => {
  for (const { path, script } of all) {
    const name = path.join(" ");
    it(`begins with examples that ${name} takes`, async () => {
      const run = await runScript(script, [...path.slice(1), "--help"]);
      requireExit(run, 0);
      const [, operands = "", examples = ""] =
        /^Usage: berth [a-z ]+?((?: [A-Z[][^ ]*)*) \[options\]\n\n((?: {2}.*\n)+)\n/m.exec(run.stdout) ?? [];
      const lines = [...examples.matchAll(/^ {2}(\S.*?)(?: {2,}.*)?$/gm)].map(([, line = ""]) => line);
      assert.ok(lines.length > 0, run.stdout);
      for (const line of examples.split("\n")) assert.ok(line.length <= 80, line);
      for (const line of lines) {
        const [, started = ""] = /(?:^|\| |<\()berth ([^|<)]*)/.exec(line) ?? [];
        const args = started.trim().split(" ");
        assert.deepEqual(args.slice(0, path.length), path, line);
        process.argv = ["node", "script", ...args.slice(1)];
        const flags = parseFlags(name, operands.split(" ").length - 1);
        assert.notEqual(flags, "help", line);
      }
    });
  }

  it("gives a secret a value by standard input alone", async () => {
    const run = await runScript("provision/secret.ts", ["set", "--help"]);
    assert.match(run.stdout, /^ {2}\S.* \| berth secret set DATABASE_URL {2,}/m);
  });
});
