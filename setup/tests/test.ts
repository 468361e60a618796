import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { exitCodes } from "../../lib/errors.ts";
import { fromRoot, root } from "../../lib/paths.ts";
import { imagesOf } from "../images/base-images.ts";
import { runOnTerminal } from "../child-process.ts";
import { bundle, bundled, commands } from "../compile/bundle.ts";
import { openEmulatorPool } from "./emulator-pool.ts";
import { ensureImages } from "../images/built-images.ts";
import type { Phases } from "../phases.ts";
import { prepare, type Prepared } from "../prepare.ts";
import { openScratch } from "./scratch.ts";
import { runScript, type ScriptContext } from "../script.ts";
import { findUnrunnable, isSlow, needsEngine, selectTests, type TestSelection } from "./test-selection.ts";

// Several test files need this app's image, and would otherwise build it at the same time.
const goWeb = fromRoot("dockerfiles/go-web");

// Node's limit counts for a whole file. The longest take a third of this on a busy computer, and one that hangs must not block
// the rest for ever.
const hangMs = 2_400_000;

const help = `test: sets everything up that the tests need, and runs them

Usage: npm test -- [files, folders or a part of a test's name] [options of node --test]

  npm test                              everything but the slow ones
  npm run test:all                      everything, the files named *.slow.test.ts too; so is npm test with CI=true
  npm test -- test/engine               one folder, whole; nothing is set up that it doesn't need
  npm test -- --test-name-pattern=lease tests whose name matches

Files named *.docker.test.ts or *.docker.slow.test.ts need a Docker engine. Where none can run, all others are run and
these are named; with CI=true in the environment that is a failure.
Exit codes: 0 all passed, 1 failed, 3 bad arguments, 130 interrupted.
`;

async function test(args: readonly string[], { phases, signal }: ScriptContext): Promise<number> {
  const all = await findTestFiles();
  const isCi = process.env["CI"] === "true";
  const selection = selectTests(isCi ? ["--all", ...args] : args, all, root);
  const engine = selection.files.some(needsEngine);
  const prepared = await prepare({ engine, compose: engine, images: imagesOf("test") }, phases);
  const unrunnable = findUnrunnable(selection.files, {
    engine: prepared.engineError !== undefined,
    compose: prepared.composeError !== undefined,
  });
  explain(unrunnable, prepared, phases);
  const leftOut = all.length - selection.files.length;
  const isSuite = all.every((file) => isSlow(file) || selection.files.includes(file));
  if (isSuite && prepared.engineError === undefined)
    await phases.run("boot image and app image", () => ensureImages({ source: goWeb }, phases, signal));
  if (isSuite && leftOut > 0)
    phases.note(`${leftOut} slow test files are left out; npm run test:all runs them too`);
  const files = selection.files.filter((file) => !unrunnable.includes(file));
  const code = files.length === 0 ? exitCodes.failed : await runNodeTest({ ...selection, files });
  if (unrunnable.length === 0 || code !== 0) return code;
  return isCi ? exitCodes.failed : code;
}

function explain(unrunnable: readonly string[], prepared: Prepared, phases: Phases): void {
  if (unrunnable.length === 0) return;
  const reason = prepared.engineError ?? prepared.composeError;
  phases.note(`Not all tests can run here: ${reason?.message ?? ""}`);
  for (const file of unrunnable) phases.note(`  not run: ${file}`);
  if (reason?.hint !== undefined) phases.note(`  ${reason.hint}`);
}

// Scripts that tests start as separate processes.
const supervisor = "lib/local/supervisor.ts";
const scripts = [...commands, supervisor, "compose/smoke.ts", "test/crash/runner.ts", "test/races/clock.ts"];

/**
 * Runs the files in one run of node's test runner, so that it counts them together. Compiles them and the commands
 * first, because a short process spends most of its time reading sources. Returns the exit code.
 */
async function runNodeTest({ files, options }: TestSelection): Promise<number> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, "berth-test-"));
  try {
    await bundle([...files, ...scripts], directory);
    await using scratch = await openScratch();
    await using emulators = await openEmulatorPool();
    const compiled = files.map((file) => bundled(file, directory));
    const environment = {
      TMPDIR: scratch.path,
      BERTH_BUNDLE: directory,
      BERTH_EMULATORS: emulators.path,
      BERTH_SUPERVISOR: bundled(supervisor, directory),
    };
    return await runCompiled({ files: compiled, options }, environment);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runCompiled(
  { files, options }: TestSelection,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  // It repeats the failures at the end, where they are found in a long log. Node 20 would choose TAP off a terminal.
  const reporter = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  const chosen = options.some((option) => option.startsWith("--test-reporter"));
  // One more than there are cores, because a file waits now and then. With twice as many, a core was idle for 1 % of the time, and
  // seven processes waited for each: it only takes longer until one answers. At most eight, because each may start machines.
  const concurrency = Math.min(8, 1 + availableParallelism());
  const flags = [
    "--enable-source-maps",
    "--test",
    `--test-concurrency=${String(concurrency)}`,
    `--test-timeout=${String(hangMs)}`,
    ...(chosen ? [] : reporter),
  ];
  return runOnTerminal(process.execPath, [...flags, ...options, ...files], { cwd: root, environment });
}

async function findTestFiles(): Promise<string[]> {
  const names = await readdir(join(root, "test"), { recursive: true });
  return names.filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
}

await runScript({ invocation: "npm test --", help, parse: (args) => args, run: test });
