import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { commands } from "../../bin/commands.mjs";
import { fromRoot, root } from "../../lib/paths.ts";

const run = promisify(execFile);

// A project of the real shape whose one package lies beside it, so that npm installs it without any registry.
describe("bin/berth.mjs, before it has packages", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-run-"));
  const project = join(folder, "project");
  const marker = join(project, "node_modules", "marker");

  beforeEach(() => {
    rmSync(project, { recursive: true, force: true });
    write("tsx/package.json", { name: "tsx", version: "1.0.0", type: "module", exports: "./index.js" });
    writeFileSync(join(project, "tsx/index.js"), "");
    declare("1.0.0");
    mkdirSync(join(project, "bin"));
    for (const file of ["berth", "commands"])
      cpSync(fromRoot(`bin/${file}.mjs`), join(project, `bin/${file}.mjs`));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, content: unknown): void {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), JSON.stringify(content));
  }

  function declare(version: string): void {
    const dependencies = { tsx: "file:tsx" };
    write("package.json", { name: "project", version, dependencies });
    write("package-lock.json", {
      name: "project",
      version,
      lockfileVersion: 3,
      packages: {
        "": { name: "project", version, dependencies },
        "node_modules/tsx": { resolved: "tsx", link: true },
        tsx: { version },
      },
    });
    write("tsx/package.json", { name: "tsx", version, type: "module", exports: "./index.js" });
  }

  // Without a .ts file of that name node ends with its own error: what counts here is what happened before.
  function start(target = "test") {
    return spawnSync(process.execPath, [join(project, "bin/berth.mjs"), target], { encoding: "utf8" });
  }

  it("installs the packages when there are none", () => {
    start();
    assert.ok(existsSync(join(project, "node_modules/tsx/index.js")));
  });

  it("leaves packages alone that are what the lockfile asks for", () => {
    start();
    writeFileSync(marker, "");
    start();
    assert.ok(existsSync(marker), "node_modules was made anew");
  });

  it("installs anew when the lockfile has changed", () => {
    start();
    writeFileSync(marker, "");
    declare("2.0.0");
    start();
    assert.ok(!existsSync(marker), "node_modules was left as it was");
  });

  it("shows npm's own words when it fails", () => {
    write("package.json", { name: "project", version: "1.0.0", dependencies: { tsx: "file:elsewhere" } });
    const { status, stderr } = start();
    assert.notEqual(status, 0);
    assert.match(stderr, /EUSAGE/);
    assert.match(stderr, /npm ci/);
  });

  it("installs the packages and does no more when asked for that", () => {
    const { status, stderr } = start("packages");
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(join(project, "node_modules/tsx/index.js")));
  });

  it("refuses a command it doesn't know, before anything is installed", () => {
    const { status, stderr } = start("deploy\u001b[2J");
    assert.equal(status, 3);
    assert.equal(
      stderr,
      "There is no command deploy??2J\n  Commands: demo, up, plan, status, history, rollback, maintenance, snapshot, logs, shell, secret, down, state, completion, smoke, test, packages\n",
    );
    assert.ok(!existsSync(join(project, "node_modules")));
  });

  for (const [slip, meant] of [
    ["pln", "plan"],
    ["plann", "plan"],
    ["plam", "plan"],
    ["paln", "plan"],
    ["staus", "status"],
    ["dwon", "down"],
    ["rollbac", "rollback"],
  ] as const) {
    it(`says that ${slip} may have been meant as ${meant}`, () => {
      const { status, stderr } = start(slip);
      assert.equal(status, 3);
      assert.match(
        stderr,
        new RegExp(`^There is no command ${slip}; did you mean ${meant}\\?\n  Commands: `),
      );
    });
  }

  it("guesses nothing for what is like no command", () => {
    for (const name of ["deploy", "u", "", "statistics"])
      assert.match(start(name).stderr, /^There is no command \w*\n/);
  });

  for (const args of [[], ["--help"], ["-h"]]) {
    it(`lists the commands when it is started with ${args[0] ?? "nothing"}, before anything is installed`, () => {
      const { status, stdout } = spawnSync(process.execPath, [join(project, "bin/berth.mjs"), ...args], {
        encoding: "utf8",
      });
      assert.equal(status, 0);
      assert.match(stdout, /^Usage: berth COMMAND/);
      assert.match(stdout, /^For example: berth up --local /m);
      assert.match(stdout, /npm keeps what stands before the --/);
      for (const name of ["demo", "up", "plan", "status", "down", "state", "smoke", "test"])
        assert.match(stdout, new RegExp(`^ +${name} +\\w`, "m"));
      assert.ok(!existsSync(join(project, "node_modules")));
    });
  }
});

// A project with the real packages and scripts that only say something, each started as npm starts it.
describe("bin/berth.mjs, with its packages", () => {
  const project = mkdtempSync(join(tmpdir(), "berth-compiled-"));
  const cache = join(project, "node_modules/.cache/berth");
  // Those that it starts, and one for the room that has none.
  const scripts = [
    ...Object.values(commands).flatMap((one) => ("script" in one ? [one.script.replace(/\.ts$/, "")] : [])),
    "lib/local/supervisor",
    "state/document",
  ];

  before(() => {
    const own = [
      "bin/berth.mjs",
      "bin/commands.mjs",
      "setup/compile/compile.ts",
      "setup/compile/bundle.ts",
      "lib/paths.ts",
      "lib/system-errors.ts",
    ];
    for (const file of ["package.json", "package-lock.json", ...own]) {
      cpSync(join(root, file), join(project, file));
    }
    for (const script of scripts) write(`${script}.ts`, `console.log("I am ${script}");`);
    mkdirSync(join(project, "node_modules"));
    for (const name of readdirSync(join(root, "node_modules")).filter((one) => one !== ".cache")) {
      symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
    }
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }

  const up = (...args: string[]) => start(["up", ...args]).stdout.trimEnd();

  function start(args: readonly string[]) {
    return spawnSync(process.execPath, [join(project, "bin/berth.mjs"), ...args], { encoding: "utf8" });
  }

  it("compiles the scripts once, and again when one of their sources has changed", () => {
    assert.equal(up(), "I am provision/up");
    assert.equal(up(), "I am provision/up");
    assert.equal(readdirSync(cache).length, 1);
    write("lib/word.ts", `export const word = "other" as string;`);
    write("provision/up.ts", `import { word } from "../lib/word.ts"; console.log(word);`);
    assert.equal(up(), "other");
    write("lib/word.ts", `export const word = "third" as string;`);
    assert.equal(up(), "third");
  });

  it("hands the arguments on as if the script had been started by itself", () => {
    write("provision/up.ts", `console.log(JSON.stringify(process.argv.slice(2)));`);
    assert.equal(up("--stack", "a b"), `["--stack","a b"]`);
  });

  it("is content without the packages that only the tests need", () => {
    const path = join(project, "node_modules/.package-lock.json");
    const installed: { packages: Record<string, { dev?: boolean }> } = JSON.parse(readFileSync(path, "utf8"));
    const kept = Object.entries(installed.packages).filter(([, { dev }]) => dev !== true);
    rmSync(path);
    writeFileSync(path, JSON.stringify({ packages: Object.fromEntries(kept) }));
    write("node_modules/marker", "");
    assert.match(up(), /./);
    assert.ok(existsSync(join(project, "node_modules/marker")), "node_modules was made anew");
  });

  it("names the line of the source where a script fails", () => {
    write("provision/up.ts", `\n\nthrow new Error("broken");`);
    const { status, stderr } = start(["up"]);
    assert.equal(status, 1);
    assert.match(stderr, /provision\/up\.ts:3:7/);
  });

  it("says what can't be compiled", () => {
    write("provision/up.ts", `const broken = ;`);
    const { status, stderr } = start(["up"]);
    assert.equal(status, 1);
    assert.match(stderr, /could not be compiled[\s\S]*provision\/up\.ts:1/);
  });

  it("removes what was compiled more than a day ago, and nothing else", () => {
    const [old = "", recent = ""] = ["old", "recent"].map((name) => join(cache, name));
    for (const folder of [old, recent]) mkdirSync(folder, { recursive: true });
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    utimesSync(old, twoDaysAgo, twoDaysAgo);
    write("provision/up.ts", `console.log("new");`);
    assert.equal(up(), "new");
    assert.deepEqual([existsSync(old), existsSync(recent)], [false, true]);
  });

  it("compiles in several processes at once without harm", async () => {
    write("provision/up.ts", `console.log("together");`);
    const starts = Array.from({ length: 4 }, () =>
      run(process.execPath, [join(project, "bin/berth.mjs"), "up"]),
    );
    const outputs = await Promise.all(starts);
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout.trimEnd()),
      Array(4).fill("together"),
    );
    assert.deepEqual(
      readdirSync(cache).filter((name) => name.startsWith("draft-")),
      [],
    );
  });
});
