import { dirname } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { BerthError, exitCodes } from "../lib/errors.ts";
import type { ComposeTool } from "./compose-tool.ts";
import { readDotEnv } from "./dot-env.ts";

/** A part of a file whose keys are examined one by one. */
export type Table = Readonly<Record<string, unknown>>;

const table = z.record(z.string(), z.unknown());
const tables = z
  .record(
    z.string(),
    table.nullable().transform((one) => one ?? {}),
  )
  .default({});
const resolvedShape = z.looseObject({
  name: z.string().optional(),
  services: z.record(z.string(), table),
  networks: tables,
  volumes: tables,
  secrets: tables,
  configs: tables,
});
/** The file as Compose itself reads it, with profiles, include, extends, anchors and variables resolved. */
export type ResolvedFile = z.infer<typeof resolvedShape>;

export interface Resolving {
  readonly tool: ComposeTool;
  readonly environment: NodeJS.ProcessEnv;
  readonly project?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const tailLines = 20;

/** Large files take a second, and a busy computer many. */
const readLimitMs = 120_000;

/** Has Compose resolve the file. Throws `BadComposeFile` with Compose's own message if it can't. */
export async function resolveFile(
  path: string,
  { tool, environment, project, signal }: Resolving,
): Promise<ResolvedFile> {
  const named = project === undefined ? [] : ["-p", project];
  const { exitCode, stdout, lines } = await tool.run(["-f", path, ...named, "config"], {
    environment,
    signal,
    limitMs: readLimitMs,
  });
  const parsed = exitCode === 0 ? parseResolved(stdout) : undefined;
  if (parsed?.success === true) {
    if (tool.major > 1) return parsed.data;
    const profiles = "COMPOSE_PROFILES";
    return withoutProfiles(parsed.data, environment[profiles] ?? (await readDotEnv(dirname(path)))[profiles]);
  }
  throw new BerthError({
    code: "BadComposeFile",
    message: `${tool.command} can't read ${path}`,
    hint:
      tool.major > 1
        ? `correct what it names; \`${tool.command} -f ${path} config\` shows how it reads the file`
        : `correct what it names. This is ${tool.version}: what is newer, such as \`include\`, needs version 2`,
    detail: parsed === undefined ? lines.slice(-tailLines) : [z.prettifyError(parsed.error)],
    exitCode: exitCodes.badInput,
  });
}

/** Version 1 also lists services of inactive profiles. */
function withoutProfiles(file: ResolvedFile, active = ""): ResolvedFile {
  const names = active.split(",");
  const isOn = (service: Table): boolean => {
    const profiles = asList(service["profiles"]).map(String);
    return profiles.length === 0 || profiles.some((one) => names.includes(one));
  };
  return {
    ...file,
    services: Object.fromEntries(Object.entries(file.services).filter(([, service]) => isOn(service))),
  };
}

/** Both versions write YAML 1.1, in which `no` is a string with quotes and false without them. */
export const parseResolved = (text: string) =>
  resolvedShape.safeParse(parse(text, { version: "1.1", maxAliasCount: -1 }));

export const asTable = (value: unknown): Table => table.safeParse(value).data ?? {};

export const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

export const asText = (value: unknown): string | undefined =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;

/** How many containers a service gets: from `scale`, or from the replicas under `deploy`. */
export function readScale(service: Table): number {
  const wanted = service["scale"] ?? asTable(service["deploy"])["replicas"] ?? 1;
  return Number(wanted);
}
