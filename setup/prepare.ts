import { BerthError } from "../lib/errors.ts";
import { ensureBaseImages, type BaseImage } from "./images/base-images.ts";
import { ensureCompose } from "./computer/compose.ts";
import { engineErrorCodes, ensureEngine } from "./computer/engine.ts";
import { describeComputer, type Computer } from "./computer/computer.ts";
import { installPackages, planPackages } from "./computer/packages.ts";
import type { Phases } from "./phases.ts";
import { ensurePython, hasVenvModule, isPythonReady } from "./python/python.ts";

export interface Preparation {
  readonly engine: boolean;
  readonly compose: boolean;
  /** The private Python environment, which the emulators need. Default: true. */
  readonly python?: boolean;
  readonly images: readonly BaseImage[];
}

export interface Prepared {
  /** Why no engine can run here; undefined when one answers or none was asked for. */
  readonly engineError?: BerthError;
  readonly composeError?: BerthError;
}

/**
 * Does all of the set-up except the npm packages: first the system packages; then engine, Compose and base images one
 * after the other, and in parallel the Python environment, if it is needed. What exists already is left alone.
 *
 * @throws BerthError for everything but a missing engine or Compose, without which some work is still possible
 */
export async function prepare(wanted: Preparation, phases: Phases): Promise<Prepared> {
  const computer = await phases.run("system packages", () => prepareComputer(wanted));
  const [docker, python] = await Promise.allSettled([
    prepareDocker(computer, wanted, phases),
    wanted.python === false ? undefined : phases.run("Python environment", ensurePython),
  ]);
  for (const result of [docker, python]) if (result.status === "rejected") throw result.reason;
  return docker.status === "fulfilled" ? docker.value : {};
}

async function prepareComputer(wanted: Preparation): Promise<Computer> {
  const [computer, pythonReady] = await Promise.all([
    describeComputer(),
    wanted.python === false || isPythonReady(),
  ]);
  const venv = pythonReady || (await hasVenvModule());
  const plan = planPackages({ ...computer, venv }, { ...wanted, python: !pythonReady });
  if (plan.wanted.length + plan.optional.length === 0) return computer;
  await installPackages(plan);
  return describeComputer();
}

async function prepareDocker(computer: Computer, wanted: Preparation, phases: Phases): Promise<Prepared> {
  if (!wanted.engine) return {};
  const engineError = await refusal(
    phases.run("Docker engine", () => ensureEngine(computer)),
    engineErrorCodes,
  );
  if (engineError !== undefined) return { engineError };
  const composeError = wanted.compose
    ? await refusal(
        phases.run("Docker Compose", () => ensureCompose(computer)),
        new Set(["ComposeMissing"]),
      )
    : undefined;
  await phases.run("base images", () => ensureBaseImages(wanted.images, computer, phases));
  return composeError === undefined ? {} : { composeError };
}

async function refusal(work: Promise<void>, codes: ReadonlySet<string>): Promise<BerthError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof BerthError && codes.has(error.code)) return error;
    throw error;
  }
}
