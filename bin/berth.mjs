#!/usr/bin/env node
// Starts every command, for `npm run` and `npx berth`. This is plain JavaScript and imports no package at first,
// because it runs before node_modules exists.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { commands, onlyPackages } from "./commands.mjs";

const commandStartedMs = Date.now();
const oldestNode = [20, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The scripts start this one as a separate process (see lib/local/local-aws.ts). */
const supervisor = "lib/local/supervisor.ts";

/** The steps that this process has done, each with its seconds. */
const phases = [];

/** Ends the process with a message when this version of Node is too old. */
function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `Berth needs Node ${oldestNode.join(".")} or newer, and this is ${process.versions.node} (${process.execPath})`,
    "Install a newer one from https://nodejs.org or your distribution, then try again",
  );
}

/**
 * Has npm install the lockfile's packages, unless node_modules contains them already. Missing development packages
 * count only with `withDev`.
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
    // The packages that make output safe for a terminal aren't installed yet.
    process.stderr.write(output.replaceAll(/[^\P{C}\n]/gu, "?"));
    fail(
      "`npm ci` failed (its output is above)",
      "Check that the npm registry can be reached, then try again",
      code,
    );
  }
}

/**
 * At the very end of an installation, npm writes a second lockfile with what it put into node_modules. Packages for
 * other platforms are in the first lockfile only.
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
 * Returns the folder of the compiled scripts, which start in a quarter of the time. Compiles them when a source has
 * changed since the last time.
 */
async function ensureCompiled() {
  const directory = join(root, "node_modules", ".cache", "berth", identifySources());
  if (existsSync(directory)) {
    // Marks the folder as in use, so that `compile` doesn't remove it.
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

/**
 * A hash that changes whenever a source or a package has changed. It covers names, sizes and times, because reading all
 * files would take longer.
 */
function identifySources() {
  const rooms = ["provision", "teardown", "state", "lib", "compose", "setup"];
  const sources = rooms.flatMap((room) => listSources(room));
  const hash = createHash("sha256");
  for (const path of ["package-lock.json", "bin/berth.mjs", "bin/commands.mjs", ...sources]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

function listSources(room) {
  const names = readdirSync(join(root, room), { recursive: true });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(room, name));
}

/** Runs one step and reports it when a user has to wait for it, as setup/phases.ts does for all later steps. */
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

/** Runs the script in this process, as if it had been started itself. */
async function start(script, args) {
  const directory = await timed("compiling the scripts", ensureCompiled);
  const placeOf = (path) => join(directory, path.replace(/ts$/, "mjs"));
  process.env.BERTH_STARTED_MS = String(commandStartedMs);
  process.env.BERTH_SUPERVISOR = placeOf(supervisor);
  process.env.BERTH_PHASES = JSON.stringify(phases);
  process.argv = [process.execPath, placeOf(script), ...args];
  process.setSourceMapsEnabled(true);
  // From Node 22 on, V8's compiled code is cached beside the scripts, which halves the time of later starts.
  module.enableCompileCache?.(join(directory, ".v8"));
  await import(pathToFileURL(placeOf(script)).href);
}

function helpText() {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)} ${summary}`);
  return `Usage: berth COMMAND [options]

For example: berth up --local    (the embedded AWS; no account is needed)

${rows.join("\n")}

Each tells more with --help. The nearest berth.yaml counts: in the current
folder, or in one above it. \`npm link\` in Berth's folder makes the command;
without it, write npx berth there.
npm run COMMAND -- [options] does the same; npm keeps what stands before the --.
`;
}

/** The command that a slip of the fingers was meant to be: one letter too many, too few, other than it, or two swapped. */
function findNear(name) {
  if (name.length < 2) return undefined;
  return Object.keys(commands).find((command) => {
    let at = 0;
    while (at < command.length && command[at] === name[at]) at += 1;
    const [ours, theirs] = [command.slice(at), name.slice(at)];
    return (
      ours.slice(1) === theirs ||
      ours === theirs.slice(1) ||
      ours.slice(1) === theirs.slice(1) ||
      (ours[0] === theirs[1] && ours[1] === theirs[0] && ours.slice(2) === theirs.slice(2))
    );
  });
}

async function main([name, ...args]) {
  requireNode();
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(helpText());
    return;
  }
  if (!Object.hasOwn(commands, name)) {
    // Some characters would control the terminal.
    const shown = name.replaceAll(/\P{L}/gu, (character) => (/[\w-]/.test(character) ? character : "?"));
    const near = findNear(name);
    const advice = near === undefined ? "" : `; did you mean ${near}?`;
    fail(`There is no command ${shown}${advice}`, `Commands: ${Object.keys(commands).join(", ")}`, 3);
  }
  await timed("npm dependencies", () => ensureModules(["test", onlyPackages].includes(name)));
  const { script } = commands[name];
  if (script !== undefined) await start(script, args);
}

await main(process.argv.slice(2));
