// Starts `npm run demo` and `npm test`. Plain JavaScript without imports of its own, because it runs before node_modules exists.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const commandStartedMs = Date.now();
const oldestNode = [20, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the process with a message when this Node is too old for what follows. */
function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `Berth needs Node ${oldestNode.join(".")} or newer, and this is ${process.versions.node} (${process.execPath})`,
    "Install a newer one from https://nodejs.org or your distribution, then try again",
  );
}

/** Seconds that the installation took; 0 when node_modules was already what the lockfile asks for. */
async function ensureModules() {
  const wanted = readPackages("package-lock.json") ?? {};
  if (isInstalled(wanted, readPackages("node_modules/.package-lock.json"))) return 0;
  const startedMs = performance.now();
  const { code, output } = await run("npm", [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  if (code !== 0) {
    process.stderr.write(output);
    fail(
      "`npm ci` failed (its output is above)",
      "Check that the npm registry can be reached, then try again",
      code,
    );
  }
  return (performance.now() - startedMs) / 1000;
}

/**
 * npm notes in a lockfile of its own what it has put into node_modules, at the very end of an installation. Packages
 * for other platforms are in the one and not in the other.
 */
function isInstalled(wanted, installed) {
  if (installed === undefined) return false;
  const isSame = (path) => installed[path]?.version === wanted[path]?.version;
  const needed = Object.keys(wanted).filter((path) => path !== "" && !wanted[path].optional);
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

// Ctrl-C reaches the whole process group: the child ends its step in its own way, and this process waits for it.
function handOver(target, args, moduleSeconds) {
  const child = spawn(process.execPath, ["--import", "tsx", join(root, "setup", `${target}.ts`), ...args], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      BERTH_STARTED_MS: String(commandStartedMs),
      BERTH_MODULE_SECONDS: moduleSeconds.toFixed(1),
    },
  });
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${process.execPath} could not be started: ${error.message}`));
  child.on("close", (code, signal) => process.exit(signal === "SIGINT" ? 130 : (code ?? 1)));
}

function fail(message, hint, code = 1) {
  process.stderr.write(`${message}\n${hint ? `  ${hint}\n` : ""}`);
  process.exit(code);
}

const targets = ["demo", "test"];
const [target, ...args] = process.argv.slice(2);
requireNode();
if (!targets.includes(target))
  fail(`Usage: node setup/run.mjs ${targets.join("|")} [arguments]`, undefined, 3);
const seconds = await ensureModules();
if (seconds >= 1) process.stderr.write(`npm dependencies: ${seconds.toFixed(1)} s\n`);
handOver(target, args, seconds);
