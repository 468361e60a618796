import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { fromRoot } from "../lib/paths.ts";

const execute = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "berth-npm-"));
after(() => rm(folder, { recursive: true, force: true }));

// A package whose script says what npm kept of the options, and how the user would write the command.
const names = ["local", "stack", "config", "wait", "keep-data", "yes", "json"];
await writeFile(
  join(folder, "up.mts"),
  `import { findKept, refuseKept } from ${JSON.stringify(fromRoot("lib/npm-options.ts"))};
   import { invocation } from ${JSON.stringify(fromRoot("lib/invocation.ts"))};
   const args = process.argv.slice(2);
   const kept = findKept("up", ${JSON.stringify(names)}, args);
   let hint = "";
   try { refuseKept("up", kept, args); } catch (error) { hint = error.hint; }
   console.log(JSON.stringify({ ...kept, hint, next: invocation("up", "--yes") }));`,
);
const node = `node --import ${fromRoot("node_modules/tsx/dist/loader.mjs")} up.mts`;
await writeFile(
  join(folder, "package.json"),
  JSON.stringify({ name: "x", scripts: { up: node, other: node } }),
);

interface Told {
  readonly taken: readonly string[];
  readonly maybe: readonly string[];
  readonly hint: string;
  readonly next: string;
}

async function runByNpm(script: string, ...args: string[]): Promise<Told> {
  // The npm that runs these tests leaves its own traces.
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"));
  const options = { cwd: folder, env: Object.fromEntries(env) };
  const { stdout } = await execute("npm", ["run", "-s", script, ...args], options);
  return JSON.parse(stdout);
}

describe("options that npm keeps", () => {
  for (const [args, taken, hint] of [
    [["--local"], ["--local"], "npm run up -- --local"],
    [["--stack=shop"], ["--stack=shop"], "npm run up -- --stack=shop"],
    [["--stack", "shop"], ["--stack"], "npm run up -- --stack shop"],
    [["--config=a/b.yaml", "--yes"], ["--config=a/b.yaml"], "npm run up -- --config=a/b.yaml --yes"],
    [["--wait=9"], ["--wait=9"], "npm run up -- --wait=9"],
    [["--keep-data"], ["--keep-data"], "npm run up -- --keep-data"],
    [["--local", "--json", "--", "--yes"], ["--local"], "npm run up -- --local --json --yes"],
  ] as const) {
    it(`are refused, with the command that was meant: npm run up ${args.join(" ")}`, async () => {
      const told = await runByNpm("up", ...args);
      assert.deepEqual(told.taken, taken);
      assert.equal(told.hint, `options stand after --: ${hint}`);
    });
  }

  for (const option of ["--yes", "--json"]) {
    it(`are told where npm may have been meant: ${option}`, async () => {
      const told = await runByNpm("up", option);
      assert.deepEqual([told.taken, told.maybe, told.hint], [[], [option], ""]);
    });
  }

  for (const args of [
    [],
    ["--", "--local"],
    ["--", "--local", "--yes", "--stack=shop"],
    ["--stack=shop", "--", "--stack=shop"],
  ]) {
    it(`are none where the script got all: npm run up ${args.join(" ")}`, async () => {
      const told = await runByNpm("up", ...args);
      assert.deepEqual([told.taken, told.maybe, told.hint], [[], [], ""]);
      assert.equal(told.next, "npm run up -- --yes");
    });
  }

  it("aren't those of a script that only runs this one", async () => {
    const told = await runByNpm("other", "--stack=shop", "--local");
    assert.deepEqual([told.taken, told.maybe], [[], []]);
    assert.equal(told.next, "berth up --yes");
  });
});
