import { BerthError } from "../lib/errors.ts";
import { ensureBaseImages, type BaseImage } from "./base-images.ts";
import { ensureCompose } from "./compose.ts";
import { engineErrorCodes, ensureEngine } from "./engine.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { installPackages, planPackages } from "./packages.ts";
import type { Phases } from "./phases.ts";
import { ensurePython, hasVenvModule, isPythonReady } from "./python.ts";

export interface Preparation {
  readonly engine: boolean;
  readonly compose: boolean;
  readonly images: readonly BaseImage[];
}

export interface Prepared {
  /** Why no engine can run here; undefined when one answers or none was asked for. */
  readonly engineError?: BerthError;
  readonly composeError?: BerthError;
}

/**
 * All set-up but the npm packages: packages of the system, then engine, Compose and base images one after the other,
 * and beside them the Python environment. Whatever is there already is left alone.
 *
 * @throws BerthError for all but a missing engine or Compose, without which some work can still go on
 */
export async function prepare(wanted: Preparation, phases: Phases): Promise<Prepared> {
  const machine = await phases.run("system packages", () => prepareMachine(wanted));
  const [docker, python] = await Promise.allSettled([
    prepareDocker(machine, wanted, phases),
    phases.run("Python environment", ensurePython),
  ]);
  for (const result of [docker, python]) if (result.status === "rejected") throw result.reason;
  return docker.status === "fulfilled" ? docker.value : {};
}

async function prepareMachine(wanted: Preparation): Promise<Machine> {
  const [machine, pythonReady] = await Promise.all([describeMachine(), isPythonReady()]);
  const venv = pythonReady || (await hasVenvModule());
  const plan = planPackages({ ...machine, venv }, { ...wanted, python: !pythonReady });
  if (plan.wanted.length + plan.optional.length === 0) return machine;
  await installPackages(plan);
  return describeMachine();
}

async function prepareDocker(machine: Machine, wanted: Preparation, phases: Phases): Promise<Prepared> {
  if (!wanted.engine) return {};
  const engineError = await refusal(
    phases.run("Docker engine", () => ensureEngine(machine)),
    engineErrorCodes,
  );
  if (engineError !== undefined) return { engineError };
  const composeError = wanted.compose
    ? await refusal(
        phases.run("Docker Compose", () => ensureCompose(machine)),
        new Set(["ComposeMissing"]),
      )
    : undefined;
  await phases.run("base images", () => ensureBaseImages(wanted.images, machine, phases));
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
