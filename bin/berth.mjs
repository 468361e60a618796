#!/usr/bin/env node
// Starts every command, for `npm run` and `npx berth`. Plain JavaScript that imports no package at first: it runs before
// node_modules exists.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const commandStartedMs = Date.now();
const oldestNode = [20, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** No script: installs the packages for whatever comes next. */
const onlyPackages = "packages";

/** What the scripts start as a process of its own (see lib/local/local-aws.ts). */
const supervisor = "lib/local/supervisor.ts";

/** What this process has done, each with its seconds. */
const phases = [];

const commands = {
  demo: { script: "setup/demo/demo.ts", summary: "brings the app of berth.yaml up on an embedded AWS" },
  up: { script: "provision/up.ts", summary: "makes everything as berth.yaml declares it" },
  plan: { script: "provision/plan.ts", summary: "shows what up would do, and changes nothing" },
  status: { script: "provision/status.ts", summary: "shows the app's URL and what stands" },
  down: { script: "teardown/down.ts", summary: "takes everything away, and proves it" },
  state: { script: "state/repair/commands.ts", summary: "looks into the state document, and repairs it" },
  smoke: { script: "compose/smoke.ts", summary: "starts the Django cluster and tests it" },
  test: { script: "setup/tests/test.ts", summary: "runs Berth's own tests" },
  [onlyPackages]: { summary: "installs the npm packages, and does no more" },
};

/** Ends the process with a message when this Node is too old for what follows. */
function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `Berth needs Node ${oldestNode.join(".")} or newer, and this is ${process.versions.node} (${process.execPath})`,
    "Install a newer one from https://nodejs.org or your distribution, then try again",
  );
}

/**
 * Has npm install what the lockfile asks for, when node_modules isn't that already. Who left out what only the tests need
 * gets no more than that.
 */
async function ensureModules(withDev) {
  const wanted = readPackages("package-lock.json") ?? {};
  if (isInstalled(wanted, readPackages("node_modules/.package-lock.json"), withDev)) return;
  const { code, output } = await run("npm", [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  if (code !== 0) {
    // The packages that the scripts print by aren't there yet.
    process.stderr.write(output.replaceAll(/[^\P{C}\n]/gu, "?"));
    fail(
      "`npm ci` failed (its output is above)",
      "Check that the npm registry can be reached, then try again",
      code,
    );
  }
}

/**
 * npm notes in a lockfile of its own what it has put into node_modules, at the very end of an installation. Packages
 * for other platforms are in the one and not in the other.
 */
function isInstalled(wanted, installed, withDev) {
  if (installed === undefined) return false;
  const isSame = (path) => installed[path]?.version === wanted[path]?.version;
  const isNeeded = ({ optional, dev }) => !optional && (withDev || !dev);
  const needed = Object.keys(wanted).filter((path) => path !== "" && isNeeded(wanted[path]));
  return needed.every(isSame) && Object.keys(installed).every(isSame);
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    }
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: signal ? 130 : code, output }));
  });
}

/**
 * Folder of the scripts, compiled, which start in a quarter of the time. They are compiled when a source isn't what it was
 * the last time.
 */
async function ensureCompiled() {
  const directory = join(root, "node_modules", ".cache", "berth", identifySources());
  if (existsSync(directory)) {
    // Whoever clears up sees that it is in use.
    utimesSync(directory, new Date(), new Date());
    return directory;
  }
  const { tsImport } = await import("tsx/esm/api");
  const { compile } = await tsImport("../setup/compile/compile.ts", import.meta.url);
  try {
    const scripts = Object.values(commands).flatMap(({ script }) => script ?? []);
    await compile([...scripts, supervisor], directory);
  } catch (error) {
    fail(
      `The scripts could not be compiled into ${directory}: ${error.message}`,
      "Fix what it names, or see to it that you may write there",
    );
  }
  return directory;
}

/** Another one whenever a source or a package has changed, by names, sizes and times: reading them all would take longer. */
function identifySources() {
  const rooms = ["provision", "teardown", "state", "lib", "compose", "setup"];
  const sources = rooms.flatMap((room) => listSources(room));
  const hash = createHash("sha256");
  for (const path of ["package-lock.json", "bin/berth.mjs", ...sources]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

function listSources(room) {
  const names = readdirSync(join(root, room), { recursive: true });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(room, name));
}

/** Runs one step, and says so when a person has to wait for it: as setup/phases.ts does for all later ones. */
async function timed(name, work) {
  const startedMs = performance.now();
  const waiting = setTimeout(() => process.stderr.write(`${name} …\n`), 1000);
  const result = await work().finally(() => clearTimeout(waiting));
  const seconds = (performance.now() - startedMs) / 1000;
  phases.push({ name, seconds });
  if (seconds >= 1) process.stderr.write(`${name}: ${seconds.toFixed(1)} s\n`);
  return result;
}

function fail(message, hint, code = 1) {
  process.stderr.write(`${message}\n${hint ? `  ${hint}\n` : ""}`);
  process.exit(code);
}

/** From here on it is as if the script itself had been started. */
async function start(script, args) {
  const directory = await timed("compiling the scripts", ensureCompiled);
  const placeOf = (path) => join(directory, path.replace(/ts$/, "mjs"));
  process.env.BERTH_STARTED_MS = String(commandStartedMs);
  process.env.BERTH_SUPERVISOR = placeOf(supervisor);
  process.env.BERTH_PHASES = JSON.stringify(phases);
  process.argv = [process.execPath, placeOf(script), ...args];
  process.setSourceMapsEnabled(true);
  // From Node 22 on: what V8 has understood of the scripts is kept beside them, which halves the time to start again.
  module.enableCompileCache?.(join(directory, ".v8"));
  await import(pathToFileURL(placeOf(script)).href);
}

function helpText() {
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `Usage: npx berth COMMAND [options]\n\n${rows.join("\n")}\n\nEach tells more with --help. npm run COMMAND -- [options] does the same.\n`;
}

async function main([name, ...args]) {
  requireNode();
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(helpText());
    return;
  }
  if (!Object.hasOwn(commands, name)) {
    // A terminal obeys some characters.
    const shown = name.replaceAll(/\P{L}/gu, (character) => (/[\w-]/.test(character) ? character : "?"));
    fail(`There is no command ${shown}`, `Commands: ${Object.keys(commands).join(", ")}`, 3);
  }
  await timed("npm dependencies", () => ensureModules(["test", onlyPackages].includes(name)));
  const { script } = commands[name];
  if (script !== undefined) await start(script, args);
}

await main(process.argv.slice(2));
