import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { LineCounter, parseDocument, visit } from "yaml";
import { BerthError, exitCodes } from "../errors.ts";
import { printable } from "../printable.ts";
import { type Problem, place, problemAt, schemaProblems, type Source } from "./problems.ts";
import { schema, type Settings } from "./schema.ts";
import { shapeProblems } from "./shape.ts";

/** A validated, frozen berth.yaml. Paths are absolute; fields that the file leaves out have their defaults. */
export interface Config extends Settings {
  /** Absolute path of the file that the configuration was read from. */
  readonly file: string;
  /** The folder that relative paths in the file start from. */
  readonly directory: string;
}

const example = [
  "stack: hello",
  "region: eu-central-1",
  "app:",
  "  source: dockerfiles/go-web",
  "  port: 8080",
];

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
  const source = parse(await readText(file, shown), shown);
  const unfit = [...syntaxProblems(source), ...shapeProblems(source)];
  if (unfit.length > 0) throw badConfiguration(shown, unfit);

  const raw = toPlain(source);
  const wanted = stack !== undefined && isRecord(raw) ? { ...raw, stack } : raw;
  const parsed = schema.safeParse(wanted, { reportInput: true });
  const settings = parsed.data;
  const problems = parsed.success ? [] : schemaProblems(parsed.error.issues, schema, source);
  if (usesSource) problems.push(...(await pathProblems(wanted, dirname(file), source)));
  if (settings === undefined || problems.length > 0) throw badConfiguration(shown, problems);
  return deepFreeze({ ...absolute(settings, dirname(file)), file, directory: dirname(file) });
}

const longestFile = 256 * 1024;

/** Reads at most as many bytes as a configuration may have, whatever the path leads to. */
async function readText(file: string, shown: string): Promise<string> {
  const bytes: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file, { end: longestFile })) {
      const piece = Buffer.from(chunk);
      bytes.push(piece);
      size += piece.length;
    }
  } catch (error) {
    throw unreadable(shown, error);
  }
  const text = Buffer.concat(bytes).toString("utf8");
  if (size <= longestFile) return text;
  const where = `${shown}:${text.split("\n").length}:1`;
  throw badConfiguration(shown, [
    { where, path: "", message: "the file goes on past 256 KiB, which no stack needs" },
  ]);
}

/** shape.ts looks for duplicate keys, because the YAML library compares each key with every other one. */
function parse(text: string, file: string): Source {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: "error", uniqueKeys: false } as const;
  return { file, document: parseDocument(text, options), lines };
}

function syntaxProblems(source: Source): Problem[] {
  return source.document.errors.map(({ code, pos, message }) =>
    problemAt(pos[0], source, code === "RESOURCE_EXHAUSTION" ? "it is nested too deep" : message),
  );
}

/** Only this function resolves aliases. The YAML library refuses too many of them, and aliases without an anchor. */
function toPlain(source: Source): unknown {
  const { document, file } = source;
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    let offset = 0;
    visit(document, {
      Alias: (_key, { range }) => {
        offset = range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    const message = error instanceof Error ? error.message : String(error);
    throw badConfiguration(file, [problemAt(offset, source, message)]);
  }
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

function absolute(settings: Settings, directory: string): Settings {
  const { dockerfile, ...app } = settings.app;
  return {
    ...settings,
    app: {
      ...app,
      source: resolve(directory, app.source),
      ...(dockerfile === undefined ? {} : { dockerfile: resolve(directory, dockerfile) }),
    },
    state:
      settings.state.backend === "file"
        ? { backend: "file", path: resolve(directory, settings.state.path) }
        : settings.state,
  };
}

function unreadable(shown: string, cause: unknown): BerthError {
  return new BerthError({
    code: "NoConfiguration",
    message: `can't read the configuration file ${shown}`,
    detail: example,
    hint: "write one, or name another with --config; the lines above are a whole one",
    exitCode: exitCodes.badInput,
    cause,
  });
}

function badConfiguration(shown: string, problems: readonly Problem[]): BerthError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new BerthError({
    code: "BadConfiguration",
    message: `${count} in ${shown}; nothing was called`,
    detail: problems.toSorted(byLine).map(({ where, path, message }) => {
      const about = path === "" ? "" : `${printable(path)}: `;
      return `${where}  ${about}${printable(message, 400)}`;
    }),
    hint: "fix the lines above; docs/configuration.md lists every key",
    exitCode: exitCodes.badInput,
  });
}

const byLine = (one: Problem, other: Problem): number =>
  one.where.localeCompare(other.where, "en", { numeric: true });

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
