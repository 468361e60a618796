import { connectDocker } from "../lib/docker/connection.ts";
import { BerthError, type ExitCode, exitCodes, unexpected } from "../lib/errors.ts";
import { imagesOf } from "../setup/images/base-images.ts";
import type { Phases } from "../setup/phases.ts";
import { prepare } from "../setup/prepare.ts";
import { runScript, type ScriptContext } from "../setup/script.ts";
import type { CheckResult } from "./check.ts";
import { type Cluster, type ClusterParts, joinCluster } from "./cluster.ts";
import { type ComposeSource, ownFile, readComposeFile, readSource } from "./compose-file.ts";
import { findComposeTool } from "./compose-tool.ts";
import { waitUntilReady } from "./health.ts";
import { bringUp, buildImages, explainRemoval, fillCopies, listBuilds, removeCluster } from "./lifecycle.ts";
import { helpText, parseOptions, type SmokeOptions } from "./options.ts";
import { type OwnCluster, planOwnCluster } from "./own-cluster.ts";
import { prove, proveRest, refuseEmpty } from "./proof.ts";
import { createJsonReport, createTextReport, type SmokeReport } from "./report.ts";
import { addLog } from "./trouble.ts";

async function smoke(options: SmokeOptions, run: Run, phases: Phases): Promise<void> {
  const source = await readSource(options.file);
  // Whoever has a running cluster has everything.
  if (!options.running) await install(source, phases);
  run.signal.throwIfAborted();
  const docker = await connectDocker();
  const tool = await findComposeTool();
  run.compose = tool.version;
  const parts = { docker, tool, signal: run.signal, timeoutMs: options.timeoutMs };
  if (options.running) await smokeRunning(source, parts, { options, run });
  else await smokeOwn(await planOwnCluster(source, { ...parts, keep: options.keep }), { options, run });
  if (run.exitCode === exitCodes.done) refuseEmpty(source.path, run.results);
}

interface Task {
  readonly options: SmokeOptions;
  readonly run: Run;
}

/** Checks the running cluster. Creates and removes none of its parts. */
async function smokeRunning(
  source: ComposeSource,
  parts: Omit<ClusterParts, "file">,
  { options, run }: Task,
): Promise<void> {
  const { project } = options;
  const file = await readComposeFile(source, { ...parts, project, environment: process.env });
  const cluster = await joinCluster({ ...parts, file }, project ?? file.defaultProject);
  run.project = cluster.project;
  run.report.step(`using the running project ${cluster.project}`);
  await startAndCheck(cluster, { options, run }, () => waitUntilReady(cluster));
}

async function smokeOwn(cluster: OwnCluster, { options, run }: Task): Promise<void> {
  run.project = cluster.project;
  try {
    await startAndCheck(cluster, { options, run }, () => start(cluster, run.report));
  } catch (error) {
    // Reported at once, so that a failing clean-up can't hide this error.
    fail(run, error);
  }
  if (options.keep) return run.report.step(`left running; to remove it: ${explainRemoval(cluster)}`);
  run.report.step(`removing project ${cluster.project}`);
  await removeCluster(cluster);
}

/** One service that doesn't become ready doesn't hide what the others do. */
async function startAndCheck(
  cluster: Cluster,
  { options, run }: Task,
  begins: () => Promise<void>,
): Promise<void> {
  try {
    await begins();
  } catch (error) {
    // Reported at once, because looking at the others takes time.
    fail(run, error);
    if (!cluster.signal.aborted) await checkRest(cluster, error, run);
    return;
  }
  await check(cluster, options, run);
}

async function checkRest(cluster: Cluster, cause: unknown, run: Run): Promise<void> {
  const known = cause instanceof BerthError ? cause.resource : undefined;
  const note = noteTo(run);
  for (const error of await proveRest(cluster, known, { note })) fail(run, await addLog(error, cluster));
}

async function start(cluster: OwnCluster, report: SmokeReport): Promise<void> {
  for (const one of cluster.isolated.replaced) report.step(`not the user's own: ${one}`);
  const builds = listBuilds(cluster.file);
  if (builds.length > 0) {
    report.step(`building with ${cluster.tool.version}`);
    await buildImages(cluster, builds);
  }
  report.step(`starting project ${cluster.project}`);
  await fillCopies(cluster);
  await bringUp(cluster);
}

async function check(cluster: Cluster, { faults }: SmokeOptions, run: Run): Promise<void> {
  for (const { error } of await prove(cluster, { faults, note: noteTo(run) }))
    if (error !== undefined) fail(run, await addLog(error, cluster));
}

const noteTo = (run: Run) => (result: CheckResult) => {
  run.results.push(result);
  run.report.check(result);
};

interface Run {
  readonly report: SmokeReport;
  readonly signal: AbortSignal;
  readonly results: CheckResult[];
  readonly startedMs: number;
  exitCode: ExitCode;
  project?: string;
  compose?: string;
}

function fail(run: Run, error: unknown): void {
  const shown = run.signal.aborted ? interrupted() : error instanceof BerthError ? error : unexpected(error);
  run.report.error(shown);
  if (run.exitCode === exitCodes.done) run.exitCode = shown.exitCode;
}

const interrupted = (): BerthError =>
  new BerthError({
    code: "Interrupted",
    message: "stopped by the user",
    exitCode: exitCodes.interrupted,
  });

/** Runs the test to its summary, whatever happens. */
async function runSmoke(options: SmokeOptions, { phases, signal }: ScriptContext): Promise<ExitCode> {
  const run = begin(signal);
  signal.addEventListener("abort", () =>
    run.report.step("stopping: what was started is removed first; press Ctrl-C again to leave at once"),
  );
  try {
    await smoke(options, run, phases);
  } catch (error) {
    fail(run, error);
  }
  sumUp(run);
  return run.exitCode;
}

/** Installs what is missing: the engine, Compose, and the images that the Django cluster starts from. */
async function install({ path }: ComposeSource, phases: Phases): Promise<void> {
  const images = path === ownFile ? imagesOf("smoke") : [];
  const compose = process.env["BERTH_COMPOSE"] === undefined;
  const { engineError, composeError } = await prepare(
    { engine: true, compose, python: false, images },
    phases,
  );
  const error = engineError ?? composeError;
  if (error !== undefined) throw error;
}

const begin = (signal: AbortSignal): Run => ({
  report: process.argv.includes("--json") ? createJsonReport() : createTextReport(),
  signal,
  results: [],
  startedMs: performance.now(),
  exitCode: exitCodes.done,
});

function sumUp({ report, results, exitCode, signal, startedMs, project, compose }: Run): void {
  const count = (outcome: CheckResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  report.summary({
    outcome: exitCode === exitCodes.done ? "done" : signal.aborted ? "interrupted" : "failed",
    project,
    compose,
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    durationMs: Math.round(performance.now() - startedMs),
  });
}

/** For mistakes in the arguments: the report in the format that they ask for. */
function showError(error: BerthError): void {
  const run = begin(new AbortController().signal);
  run.report.error(error);
  sumUp({ ...run, exitCode: error.exitCode });
}

await runScript({
  invocation: "npm run smoke --",
  help: helpText,
  parse: parseOptions,
  run: runSmoke,
  showError,
});
