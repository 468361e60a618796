import { connectDocker } from "../lib/docker/connection.ts";
import { BerthError, type ExitCode, exitCodes } from "../lib/errors.ts";
import { printText } from "../lib/report/terminal.ts";
import type { CheckResult } from "./check.ts";
import { type Cluster, type ClusterParts, joinCluster } from "./cluster.ts";
import { type ComposeSource, readComposeFile, readSource } from "./compose-file.ts";
import { findComposeTool } from "./compose-tool.ts";
import { waitUntilReady } from "./health.ts";
import { bringUp, buildImages, explainRemoval, fillCopies, listBuilds, removeCluster } from "./lifecycle.ts";
import { helpText, parseOptions, type SmokeOptions } from "./options.ts";
import { type OwnCluster, planOwnCluster } from "./own-cluster.ts";
import { prove, refuseEmpty } from "./proof.ts";
import { createJsonReport, createTextReport, type SmokeReport } from "./report.ts";
import { explainTrouble } from "./trouble.ts";

async function smoke(options: SmokeOptions, run: Run): Promise<void> {
  const source = await readSource(options.file);
  const docker = await connectDocker();
  const tool = await findComposeTool();
  run.compose = tool.version;
  const parts = { docker, tool, signal: run.signal };
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
  await waitUntilReady(cluster, options);
  await check(cluster, options, run);
}

async function smokeOwn(cluster: OwnCluster, { options, run }: Task): Promise<void> {
  run.project = cluster.project;
  try {
    await start(cluster, options, run.report);
    await check(cluster, options, run);
  } catch (error) {
    // Reported at once, so that a failing clean-up can't hide this error.
    fail(run, error);
  }
  if (options.keep) return run.report.step(`left running; to remove it: ${explainRemoval(cluster)}`);
  run.report.step(`removing project ${cluster.project}`);
  await removeCluster(cluster);
}

async function start(cluster: OwnCluster, { timeoutMs }: SmokeOptions, report: SmokeReport): Promise<void> {
  for (const one of cluster.isolated.replaced) report.step(`not the user's own: ${one}`);
  const builds = listBuilds(cluster.file);
  if (builds.length > 0) {
    report.step(`building with ${cluster.tool.version}`);
    await buildImages(cluster, builds);
  }
  report.step(`starting project ${cluster.project}`);
  await fillCopies(cluster);
  await bringUp(cluster, timeoutMs);
}

async function check(cluster: Cluster, { faults, timeoutMs }: SmokeOptions, run: Run): Promise<void> {
  const note = (result: CheckResult) => {
    run.results.push(result);
    run.report.check(result);
  };
  for (const { error } of await prove(cluster, { faults, timeoutMs, note }))
    if (error !== undefined) fail(run, await addLog(error, cluster));
}

/** The failed check's error, with the tail of the log of the service that it names. */
async function addLog(error: BerthError, cluster: Cluster): Promise<BerthError> {
  const { resource, code, message, hint, detail } = error;
  if (resource === undefined || detail.length > 0) return error;
  const { detail: log } = await explainTrouble(cluster, {
    service: resource,
    state: "failed",
    reason: message,
  });
  return new BerthError({
    code,
    message,
    resource,
    detail: log,
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

interface Run {
  readonly report: SmokeReport;
  readonly signal: AbortSignal;
  readonly results: CheckResult[];
  exitCode: ExitCode;
  project?: string;
  compose?: string;
}

function fail(run: Run, error: unknown): void {
  const shown = asBerthError(run.signal.aborted ? run.signal.reason : error);
  run.report.error(shown);
  if (run.exitCode === exitCodes.done) run.exitCode = shown.exitCode;
}

async function main(): Promise<ExitCode> {
  const startedMs = performance.now();
  const report = process.argv.includes("--json") ? createJsonReport() : createTextReport();
  const run: Run = {
    report,
    signal: listenForInterrupt(report),
    results: [],
    exitCode: exitCodes.done,
  };
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options === "help") {
      printText(helpText);
      return exitCodes.done;
    }
    await smoke(options, run);
  } catch (error) {
    fail(run, error);
  }
  const count = (outcome: CheckResult["outcome"]) =>
    run.results.filter((one) => one.outcome === outcome).length;
  report.summary({
    outcome: run.exitCode === exitCodes.done ? "done" : run.signal.aborted ? "interrupted" : "failed",
    project: run.project,
    compose: run.compose,
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    durationMs: Math.round(performance.now() - startedMs),
  });
  return run.exitCode;
}

function listenForInterrupt(report: SmokeReport): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    report.step("stopping: what was started is removed first; press Ctrl-C again to leave at once");
    controller.abort(
      new BerthError({
        code: "Interrupted",
        message: "stopped by the user",
        exitCode: exitCodes.interrupted,
      }),
    );
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return controller.signal;
}

function asBerthError(error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  const known = error instanceof Error ? error : new Error(String(error));
  return new BerthError({
    code: "Unexpected",
    message: `${known.name}: ${known.message}`,
    hint: "this is a mistake in Berth: please report it with the lines above",
    detail: (known.stack ?? "").split("\n").slice(1, 8),
    cause: error,
  });
}

process.exitCode = await main();
