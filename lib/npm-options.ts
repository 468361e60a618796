import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { BerthError, exitCodes } from "./errors.ts";
import { invocation } from "./invocation.ts";

/** Options that npm has too. It may have got one for itself, from its own settings or from a command around this one. */
const npmsOwn = new Set(["yes", "json", "force", "version", "all"]);

interface Kept {
  /** Options that only the script can have been meant to get, as they were written. */
  readonly taken: readonly string[];
  /** Options that npm may have been meant to get. */
  readonly maybe: readonly string[];
}

/**
 * Finds the script's options that npm kept: `npm run up --stack=x` gives the option to npm, which leaves a variable for it.
 * @param names all options of the script, without hyphens
 * @param args what did reach the script
 */
export function findKept(script: string, names: readonly string[], args: readonly string[]): Kept {
  const none = { taken: [], maybe: [] };
  if (process.env["npm_lifecycle_event"] !== script) return none;
  const given = new Set(args.map((one) => one.split("=")[0]));
  const found = names.flatMap((name) => {
    const value = valueKept(name);
    if (value === undefined || given.has(`--${name}`)) return [];
    return [{ name, option: value === "true" ? `--${name}` : `--${name}=${value}` }];
  });
  const optionsOf = (isNpms: boolean) =>
    found.filter(({ name }) => npmsOwn.has(name) === isNpms).map(({ option }) => option);
  return { taken: optionsOf(false), maybe: optionsOf(true) };
}

/** Throws BerthError `BadArguments` if npm kept an option without which the script would do something else. */
export function refuseKept(script: string, { taken, maybe }: Kept, args: readonly string[]): void {
  if (taken.length === 0) return;
  throw new BerthError({
    code: "BadArguments",
    message: `npm kept ${taken.join(" and ")} for itself, so the command didn't get it; nothing was called`,
    hint: `options stand after --: ${invocation(script, ...taken, ...maybe, ...args)}`,
    exitCode: exitCodes.badInput,
  });
}

function valueKept(name: string): string | undefined {
  if (name === "local") return isLocalKept() ? "true" : undefined;
  const value = process.env[`npm_config_${name.replaceAll("-", "_")}`];
  return value === undefined || ["", "false", "null"].includes(value) ? undefined : value;
}

/**
 * npm reads `--local` as its own `--no-global`, which leaves no variable. On Linux, the log that the running npm keeps open
 * has its arguments; elsewhere nothing tells.
 */
function isLocalKept(): boolean {
  try {
    // npm starts scripts by a shell, and some shells replace themselves with the script.
    const logs = [process.ppid, parentOf(process.ppid)].flatMap(logsOf);
    return logs.some((log) => /verbose argv (?:(?!"--" ).)*"--no-global"/.test(log));
  } catch {
    return false;
  }
}

const parentOf = (pid: number): number =>
  Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);

function logsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const open = readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
  return open
    .filter((path) => /_logs\/[^/]+-debug-\d+\.log$/.test(path))
    .map((path) => readFileSync(path, "utf8"));
}
