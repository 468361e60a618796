import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { type Document, isMap, isNode, LineCounter, parseAllDocuments } from "yaml";
import { z } from "zod";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { fromRoot } from "../lib/paths.ts";
import { readDotEnv } from "./dot-env.ts";
import { type Port, readPorts } from "./isolation/ports.ts";
import {
  asTable,
  asText,
  readScale,
  type ResolvedFile,
  resolveFile,
  type Resolving,
  type Table,
} from "./resolved-file.ts";

/** The Django cluster of this repository. */
export const ownFile = fromRoot("compose/docker-compose.yml");

/** The services that the page-view checks need. A file may name them under `x-smoke`; files without it have no roles. */
export interface Roles {
  readonly edge: string;
  readonly app: string;
  readonly database: string;
  readonly migrations: string;
}

interface ComposeService {
  readonly name: string;
  /** Services that must start first, with the required condition. */
  readonly dependsOn: ReadonlyMap<string, string>;
  /** As written. A service with the network mode `none`, `host` or `service:` has no networks of its own. */
  readonly networks: readonly string[];
  /** The container ports under `ports`. */
  readonly published: readonly Port[];
  /** The container ports under `expose`, for other services alone. */
  readonly exposed: readonly Port[];
}

export interface ComposeFile {
  readonly path: string;
  /** The services that get a container, in the file's order. */
  readonly services: ReadonlyMap<string, ComposeService>;
  readonly roles: Roles | undefined;
  /** Compose's default name of the project. */
  readonly defaultProject: string;
  readonly resolved: ResolvedFile;
}

/** What can be read from a file without Compose. */
export interface ComposeSource {
  readonly path: string;
  readonly roles: Roles | undefined;
}

const rolesShape = z
  .object({ edge: z.string(), app: z.string(), database: z.string(), migrations: z.string() })
  .optional();

/** Throws `BadComposeFile` with the line and column of each mistake in the YAML. */
export async function readSource(file: string): Promise<ComposeSource> {
  const path = resolve(file);
  const lines = new LineCounter();
  // Duplicate keys and tags are accepted here, because Compose decides about them.
  const parsed = parseAllDocuments(await readText(path), {
    merge: true,
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
  });
  const documents: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const problems = documents.flatMap(({ errors }) =>
    errors.map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return `line ${line}, column ${col}: ${message}`;
    }),
  );
  if (problems.length > 0) throw badFile(path, problems, "correct the YAML at the places named");
  return { path, roles: readRoles(path, documents) };
}

/** Reads a file as Compose resolves it. Throws `BadComposeFile`. */
export async function readComposeFile(
  { path, roles }: ComposeSource,
  resolving: Resolving,
): Promise<ComposeFile> {
  const resolved = await resolveFile(path, resolving);
  const services = readServices(resolved);
  const missing = Object.entries(roles ?? {}).filter(([, name]) => !services.has(name));
  if (missing.length > 0) {
    const problems = missing.map(([role, name]) => `x-smoke.${role}: there is no service ${name}`);
    throw badFile(path, problems, "name services that are in the file");
  }
  const defaultProject = resolved.name ?? (await findProject(dirname(path)));
  return { path, services, roles, defaultProject, resolved };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw badFile(path, [reason], "name a compose file with --file", error);
  }
}

function readRoles(path: string, documents: readonly Document[]): Roles | undefined {
  // Reads this part only. Compose itself reads large files full of aliases.
  const written = documents.map((one) => {
    const node = isMap(one.contents) ? one.contents.get("x-smoke") : undefined;
    const value: unknown = isNode(node) ? node.toJS(one) : undefined;
    return value;
  });
  const roles = rolesShape.safeParse(written.findLast((one) => one !== undefined));
  if (roles.success) return roles.data;
  const problems = roles.error.issues.map(({ path: at, message }) => `x-smoke.${at.join(".")}: ${message}`);
  throw badFile(path, problems, "x-smoke names edge, app, database and migrations");
}

/** Leaves out services of inactive profiles, which version 1 lists, and services without containers. */
function readServices({ services }: ResolvedFile): ReadonlyMap<string, ComposeService> {
  const there = Object.entries(services).filter(([, one]) => readScale(one) > 0);
  const names = new Set(there.map(([name]) => name));
  return new Map(
    there.map(([name, one]) => {
      const needs = [...readNeeds(one["depends_on"])].filter(([other]) => names.has(other));
      const networks = readNetworks(one);
      const published = readPorts(one["ports"]);
      const exposed = readPorts(one["expose"]);
      return [name, { name, dependsOn: new Map(needs), networks, published, exposed }];
    }),
  );
}

const readNeeds = (value: unknown): ReadonlyMap<string, string> =>
  Array.isArray(value)
    ? new Map(value.map((other) => [String(other), "service_started"]))
    : new Map(
        Object.entries(asTable(value)).map(([other, need]) => [
          other,
          asText(asTable(need)["condition"]) ?? "service_started",
        ]),
      );

function readNetworks({ network_mode: mode, networks }: Table): readonly string[] {
  if (mode !== undefined) return [];
  if (networks === undefined) return ["default"];
  return Array.isArray(networks) ? networks.map(String) : Object.keys(asTable(networks));
}

// Version 1 doesn't tell the project's name. This looks in the same places and order as version 1 does.
async function findProject(folder: string): Promise<string> {
  const named = process.env["COMPOSE_PROJECT_NAME"] ?? (await readDotEnv(folder))["COMPOSE_PROJECT_NAME"];
  return (
    named ??
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, "")
  );
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
