import { parseArgs } from "node:util";
import { closest, distance } from "fastest-levenshtein";
import { stackName } from "../config/schema.ts";
import { BerthError, exitCodes } from "../errors.ts";
import { invocation } from "../invocation.ts";

/** The options of all commands. An option with `of` belongs to that command only. */
const options = {
  config: { type: "string", value: "FILE", text: "configuration file (the nearest berth.yaml)" },
  stack: { type: "string", value: "NAME", text: "another stack name than the file's" },
  local: { type: "boolean", text: "use the embedded AWS on this computer" },
  wait: { type: "string", value: "SECONDS", text: "wait this long for somebody else's lease" },
  yes: { type: "boolean", short: "y", text: "don't ask" },
  json: { type: "boolean", text: "one JSON event a line on stdout" },
  version: { type: "string", value: "ID", text: "which version: its id, or its serial", of: "state restore" },
  "keep-data": { type: "boolean", text: "keep the data volume as a final snapshot", of: "down" },
  "delete-data": { type: "boolean", text: "delete the data volume, and its snapshots", of: "down" },
  "restore-data": {
    type: "string",
    value: "ID",
    text: "fill a new data volume from a snapshot (or: latest)",
    of: "up",
  },
  "new-data": { type: "boolean", text: "begin with an empty data volume", of: "up" },
  "upgrade-os": { type: "boolean", text: "a new host with the newest image of its system", of: "up" },
  force: { type: "boolean", text: "even if the holder is alive", of: "state unlock" },
  fresh: { type: "boolean", text: "have the hosts count first, which takes some seconds", of: "status" },
  all: { type: "boolean", text: "every release, not only the last 20", of: "history" },
  raw: { type: "boolean", text: "the stored text itself", of: "state show" },
  page: {
    type: "string",
    value: "FILE",
    text: "the HTML page to show, instead of Berth's own",
    of: "maintenance on",
  },
  follow: { type: "boolean", short: "f", text: "go on with what comes", of: "logs" },
  since: { type: "string", value: "TIME", text: "from so long ago: 10m (as without it), 2h, 1d", of: "logs" },
  release: { type: "string", value: "N", text: "of this release alone", of: "logs" },
  app: { type: "boolean", text: "in a container of the release that serves", of: "shell" },
  host: { type: "string", value: "ID", text: "on this host, if there are several", of: "shell" },
  grep: { type: "string", value: "TEXT", text: "only lines that contain the text", of: "logs" },
  help: { type: "boolean", short: "h", text: "this text" },
} as const;

/** Commands that look at no stack: of the options for all, they take --help alone. */
const withoutStack = new Set(["completion"]);

type Option = (typeof options)[keyof typeof options];

export interface Flags {
  /** Without it, the nearest berth.yaml counts: in the current folder, or in one above it. */
  readonly config?: string | undefined;
  readonly stack?: string | undefined;
  readonly local: boolean;
  readonly waitMs: number;
  readonly yes: boolean;
  readonly json: boolean;
  readonly version?: string | undefined;
  readonly keepData: boolean;
  readonly deleteData: boolean;
  readonly restoreData?: string | undefined;
  readonly newData: boolean;
  readonly upgradeOs: boolean;
  readonly force: boolean;
  readonly fresh: boolean;
  readonly all: boolean;
  readonly raw: boolean;
  readonly page?: string | undefined;
  readonly follow: boolean;
  readonly since: string;
  readonly release?: string | undefined;
  readonly grep?: string | undefined;
  readonly app: boolean;
  readonly host?: string | undefined;
  /** What the command is called with besides its options: NAME of `secret set NAME`. */
  readonly operands: readonly string[];
}

/** The options that a command accepts, by name. */
export function optionsOf(command: string): [string, Option][] {
  const [script = ""] = command.split(" ");
  return Object.entries(options).filter(([name, option]) =>
    "of" in option ? option.of === command : name === "help" || !withoutStack.has(script),
  );
}

/** The process's arguments that are neither options nor values of options. */
export function readWords(): string[] {
  return parseArgs({ options, strict: false, allowPositionals: true }).positionals;
}

/**
 * @param most How many operands the command takes.
 * @throws BerthError `BadArguments` (exit 3) for an argument that the command doesn't accept.
 */
export function parseFlags(command: string, most = 0): Flags | "help" {
  const { values, positionals, tokens } = parseArgs({
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = optionsOf(command).find(([name]) => name === token.name)?.[1];
    if (option === undefined) throw unknownOption(token.rawName, command);
    const takesValue = option.type === "string";
    if (takesValue && (token.value === undefined || token.value === ""))
      throw badArguments(`${token.rawName} needs a value`, command);
    // What follows is the next option, and without it the command could work on something else.
    if (takesValue && !token.inlineValue && token.value?.startsWith("--") === true)
      throw badArguments(`${token.rawName} needs a value, and ${token.value} follows`, command);
    if (!takesValue && token.value !== undefined)
      throw badArguments(`${token.rawName} takes no value`, command);
  }
  if (values.help === true) return "help";
  const [, ...words] = command.split(" ");
  const surplus = positionals.find((positional, index) =>
    index < words.length ? positional !== words[index] : index >= words.length + most,
  );
  if (surplus !== undefined) throw badArguments(`unexpected argument "${surplus}"`, command);
  for (const [one, other] of [
    ["keep-data", "delete-data"],
    ["restore-data", "new-data"],
  ] as const) {
    if (values[one] !== undefined && values[other] !== undefined)
      throw badArguments(`--${one} and --${other} exclude each other`, command);
  }
  const waitSeconds = Number(values.wait ?? 0);
  if (!(waitSeconds >= 0)) throw badArguments(`--wait takes seconds, not "${String(values.wait)}"`, command);
  if (typeof values.stack === "string") requireStackName(values.stack, command);
  return {
    config: typeof values.config === "string" ? values.config : undefined,
    stack: typeof values.stack === "string" ? values.stack : undefined,
    local: values.local === true,
    waitMs: waitSeconds * 1000,
    yes: values.yes === true,
    json: values.json === true,
    version: typeof values.version === "string" ? values.version : undefined,
    keepData: values["keep-data"] === true,
    deleteData: values["delete-data"] === true,
    restoreData: typeof values["restore-data"] === "string" ? values["restore-data"] : undefined,
    newData: values["new-data"] === true,
    upgradeOs: values["upgrade-os"] === true,
    force: values.force === true,
    fresh: values.fresh === true,
    all: values.all === true,
    raw: values.raw === true,
    page: typeof values.page === "string" ? values.page : undefined,
    follow: values.follow === true,
    since: typeof values.since === "string" ? values.since : "10m",
    release: typeof values.release === "string" ? values.release : undefined,
    grep: typeof values.grep === "string" ? values.grep : undefined,
    app: values.app === true,
    host: typeof values.host === "string" ? values.host : undefined,
    operands: positionals.slice(words.length),
  };
}

function requireStackName(name: string, command: string): void {
  const { error } = stackName.safeParse(name);
  if (error === undefined) return;
  throw badArguments(`--stack "${name}": ${error.issues.map(({ message }) => message).join("; ")}`, command);
}

function unknownOption(rawName: string, command: string): BerthError {
  const names = optionsOf(command).map(([name]) => `--${name}`);
  const near = closest(rawName, names);
  return badArguments(
    `unknown option ${rawName}${distance(rawName, near) <= 3 ? `; did you mean ${near}?` : ""}`,
    command,
  );
}

export function badArguments(message: string, command: string): BerthError {
  return new BerthError({
    code: "BadArguments",
    message,
    hint: `${invocation(command, "--help")} lists what there is`,
    exitCode: exitCodes.badInput,
  });
}
