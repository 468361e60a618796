import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commands } from "../../bin/commands.mjs";
import { parseOptions } from "../../compose/options.ts";
import { optionsOf } from "../../lib/command/flags.ts";
import { matches, pages, read } from "./tree.ts";

/** The commands that share the options of lib/command/flags.ts. */
const deploying = new Set([
  "up",
  "plan",
  "status",
  "history",
  "rollback",
  "maintenance",
  "snapshot",
  "down",
  "state",
]);

describe("every page", () => {
  it("names only commands of `npx berth` that exist", async () => {
    for (const page of await pages()) {
      const named = matches(await read(page), /npx berth ([a-z][\w-]*)/g);
      assert.deepEqual(
        named.filter((name) => !Object.hasOwn(commands, name)),
        [],
        page,
      );
    }
  });

  it("gives each command only options that it has", async () => {
    let options = 0;
    for (const page of await pages()) {
      for (const { command, args } of await readCommands(page)) {
        const given = args.filter((word) => word.startsWith("--"));
        options += given.length;
        if (command === "smoke") parseOptions(args);
        if (deploying.has(command)) assert.deepEqual(findUnknown(command, args), [], page);
      }
    }
    assert.ok(options > 20, `${options} options`);
  });
});

function findUnknown(command: string, args: readonly string[]): string[] {
  const [word = ""] = args;
  const options = optionsOf(["state", "maintenance"].includes(command) ? `${command} ${word}` : command);
  const known = new Set(options.map(([name]) => `--${name}`));
  return args.filter((one) => one.startsWith("--") && !known.has(one.split("=")[0] ?? one));
}

interface Line {
  readonly command: string;
  readonly args: readonly string[];
}

/** What a page tells people to run: `npx berth up --yes`, `npm run up -- --yes`, `npx tsx provision/up.ts --yes`. */
async function readCommands(page: string): Promise<Line[]> {
  const ways =
    /(?:npx berth|npm run(?: -s)?|npx tsx (?:provision|teardown)\/(?=\w+\.ts)) ?([a-z][\w:-]*)(?:\.ts)?((?: [^\s`#|;]+)*)/g;
  return [...(await read(page)).matchAll(ways)].map(([, command = "", rest = ""]) => ({
    command,
    args: rest.split(" ").filter((word) => word !== "" && word !== "--"),
  }));
}
