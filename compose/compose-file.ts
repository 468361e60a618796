import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { BerthError, exitCodes } from "../lib/errors.ts";

/** The parts that the page-view checks need. A file names them under `x-smoke`; another file simply has none. */
export interface Roles {
  readonly edge: string;
  readonly app: string;
  readonly database: string;
  readonly migrations: string;
}

interface ComposeService {
  readonly name: string;
  /** Services that must be there first, with the condition asked for. */
  readonly dependsOn: ReadonlyMap<string, string>;
  /** As written: `service:` of another container or `none` and `host` have no networks of their own. */
  readonly networks: readonly string[];
  readonly publishesPorts: boolean;
}

export interface ComposeFile {
  readonly path: string;
  readonly folder: string;
  /** In the file's order. */
  readonly services: ReadonlyMap<string, ComposeService>;
  readonly roles: Roles | undefined;
  /** What Compose calls the project when nobody says otherwise. */
  readonly defaultProject: string;
}

const names = z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional();
const serviceShape = z.looseObject({
  networks: names,
  network_mode: z.string().optional(),
  ports: z.array(z.unknown()).optional(),
  depends_on: z
    .union([z.array(z.string()), z.record(z.string(), z.looseObject({ condition: z.string().optional() }))])
    .optional(),
});
const fileShape = z.looseObject({
  services: z.record(z.string(), serviceShape),
  "x-smoke": z
    .object({ edge: z.string(), app: z.string(), database: z.string(), migrations: z.string() })
    .optional(),
});
type ServiceShape = z.infer<typeof serviceShape>;

/** Throws `BadComposeFile` with the line and column, or the path inside the file, of every problem. */
export async function readComposeFile(file: string): Promise<ComposeFile> {
  const path = resolve(file);
  const shape = parseShape(path, await readText(path));
  const services = new Map(
    Object.entries(shape.services).map(([name, one]) => [name, readService(name, one)]),
  );
  const roles = shape["x-smoke"];
  refuseUnknownNames(path, services, roles);
  const folder = dirname(path);
  return { path, folder, services, roles, defaultProject: await findProject(folder) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badFile(path, [reason], "name a compose file with --file", error);
  }
}

function parseShape(path: string, text: string): z.infer<typeof fileShape> {
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(({ message, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    return `line ${line}, column ${col}: ${message}`;
  });
  if (problems.length > 0) throw badFile(path, problems, "correct the YAML at the places named");
  const parsed = fileShape.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`,
  );
  throw badFile(path, issues, "`docker-compose config` shows how Compose reads the file");
}

function readService(name: string, shape: ServiceShape): ComposeService {
  const dependsOn = Array.isArray(shape.depends_on)
    ? new Map(shape.depends_on.map((other) => [other, "service_started"]))
    : new Map(
        Object.entries(shape.depends_on ?? {}).map(([other, { condition }]) => [
          other,
          condition ?? "service_started",
        ]),
      );
  return { name, dependsOn, networks: readNetworks(shape), publishesPorts: (shape.ports ?? []).length > 0 };
}

function readNetworks({ network_mode: mode, networks }: ServiceShape): readonly string[] {
  if (mode !== undefined) return [];
  if (networks === undefined) return ["default"];
  return Array.isArray(networks) ? networks : Object.keys(networks);
}

function refuseUnknownNames(
  path: string,
  services: ReadonlyMap<string, ComposeService>,
  roles: Roles | undefined,
): void {
  const problems = [...services.values()].flatMap(({ name, dependsOn }) =>
    [...dependsOn.keys()]
      .filter((other) => !services.has(other))
      .map((other) => `services.${name}.depends_on: there is no service ${other}`),
  );
  for (const [role, name] of Object.entries(roles ?? {})) {
    if (!services.has(name)) problems.push(`x-smoke.${role}: there is no service ${name}`);
  }
  if (problems.length > 0) throw badFile(path, problems, "name services that are in the file");
}

// The same three places, in the same order, in which Compose itself looks.
async function findProject(folder: string): Promise<string> {
  const named = process.env["COMPOSE_PROJECT_NAME"] ?? (await readDotEnv(folder))["COMPOSE_PROJECT_NAME"];
  return (
    named ??
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, "")
  );
}

async function readDotEnv(folder: string): Promise<NodeJS.Dict<string>> {
  try {
    return parseEnv(await readFile(join(folder, ".env"), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
}

function badFile(path: string, detail: readonly string[], hint: string, cause?: unknown): BerthError {
  return new BerthError({
    code: "BadComposeFile",
    message: `${path} can't be used as a compose file`,
    hint,
    detail,
    cause,
    exitCode: exitCodes.badInput,
  });
}
