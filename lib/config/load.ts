import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { readText } from "./file.ts";
import { badConfiguration, describeBound, type Problem, schemaProblems } from "./problems.ts";
import { findHttpsProblem, ingressOf } from "./ingress.ts";
import { type IngressRule, schema, type Settings } from "./schema.ts";
import { shapeProblems } from "./shape.ts";
import { syntaxProblems } from "./syntax.ts";
import { parseSource, place, type Source } from "./source.ts";
import { readValues } from "./values.ts";

/** A validated, frozen berth.yaml. Paths are absolute; fields that the file leaves out have their defaults. */
export interface Config extends Omit<Settings, "ingress"> {
  readonly ingress: readonly IngressRule[];
  /** Absolute path of the file that the configuration was read from. */
  readonly file: string;
  /** The folder that relative paths in the file start from. */
  readonly directory: string;
}

export interface LoadOptions {
  /** Overrides the stack name in the file. */
  readonly stack?: string | undefined;
  /** False when the app's folder and Dockerfile need not exist, as for taking a stack down. */
  readonly usesSource?: boolean | undefined;
}

/**
 * Reads and validates a configuration file.
 * Throws one BerthError `BadConfiguration` (exit 3) that lists every problem with its line and column.
 */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<Config> {
  const { stack, usesSource = true } = options;
  const file = resolve(path);
  const near = relative(process.cwd(), file);
  const shown = near.startsWith("..") ? file : near;
  const text = await readText(file, shown);
  const source = parseSource(text, shown);
  const unfit = [...syntaxProblems(text, source), ...shapeProblems(source)];
  if (unfit.length > 0) throw badConfiguration(shown, unfit);

  const raw = readValues(source, schema);
  const wanted = stack !== undefined && isRecord(raw) ? { ...raw, stack } : raw;
  const parsed = schema.safeParse(wanted, { reportInput: true, error: describeBound });
  const settings = parsed.data;
  const problems = parsed.success ? [] : schemaProblems(parsed.error.issues, schema, source);
  problems.push(...httpsProblems(settings, source));
  if (usesSource) problems.push(...(await pathProblems(wanted, dirname(file), source)));
  if (settings === undefined || problems.length > 0) throw badConfiguration(shown, problems);
  return deepFreeze({ ...absolute(settings, dirname(file)), file, directory: dirname(file) });
}

function httpsProblems(settings: Settings | undefined, source: Source): Problem[] {
  const found = settings && findHttpsProblem(settings);
  return found === undefined
    ? []
    : [{ where: place([found.key], source), path: found.key, message: found.message }];
}

/** Reports missing folders together with all other problems, so that a user can fix everything at once. */
async function pathProblems(raw: unknown, directory: string, source: Source): Promise<Problem[]> {
  const app = isRecord(raw) && isRecord(raw["app"]) ? raw["app"] : {};
  const problems: Problem[] = [];
  const report = (key: string, message: string) =>
    problems.push({ where: place(["app", key], source), path: `app.${key}`, message });
  const folder = app["source"];
  if (typeof folder === "string" && folder !== "") {
    const found = await stat(resolve(directory, folder)).catch(() => undefined);
    if (!found?.isDirectory()) report("source", `no folder at ${resolve(directory, folder)}`);
  }
  const dockerfile = app["dockerfile"];
  if (typeof dockerfile === "string" && !existsSync(resolve(directory, dockerfile))) {
    report("dockerfile", `no file at ${resolve(directory, dockerfile)}`);
  }
  return problems;
}

function absolute(settings: Settings, directory: string): Omit<Config, "file" | "directory"> {
  const { dockerfile, build, ...app } = settings.app;
  const secrets = Object.entries(build.secrets).map(
    ([id, from]) => [id, "file" in from ? { file: resolve(directory, from.file) } : from] as const,
  );
  return {
    ...settings,
    ingress: ingressOf(settings),
    app: {
      ...app,
      source: resolve(directory, app.source),
      build: { ...build, secrets: Object.fromEntries(secrets) },
      ...(dockerfile === undefined ? {} : { dockerfile: resolve(directory, dockerfile) }),
    },
    state:
      settings.state.backend === "file"
        ? { backend: "file", path: resolve(directory, settings.state.path) }
        : settings.state,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
