import { invocation } from "../invocation.ts";
import { optionsOf } from "./flags.ts";

/** What the help of a command is made of. */
export interface Explained {
  /** `up` or `state show`: the npm script's name, followed by the subcommand if the script has several. */
  readonly name: string;
  readonly summary: string;
  /** What stands besides the options, one word for each: `NAME`. */
  readonly operands?: string;
  /** A command line, such as `berth up --local`, and what it does in a few words. The plainest comes first. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** The last lines of the help text, about exit codes and effects. */
  readonly help: readonly string[];
}

interface ExplainedGroup extends Pick<Explained, "name" | "summary"> {
  readonly commands: readonly Explained[];
}

export function helpText(spec: Explained | ExplainedGroup): string {
  const { name, summary } = spec;
  if ("commands" in spec) {
    const rows = spec.commands.map((one) => `  ${invocation(one.name).padEnd(26)} ${one.summary}`);
    return [`${name}: ${summary}`, "", ...rows, "", "Each tells more with --help.", ""].join("\n");
  }
  const rows = optionsOf(name).map(([option, details]) => {
    const short = "short" in details ? `-${details.short}, ` : "    ";
    const value = "value" in details ? ` ${details.value}` : "";
    return `  ${short}--${`${option}${value}`.padEnd(18)} ${details.text}`;
  });
  return [
    `${name}: ${summary}`,
    "",
    `Usage: ${invocation(name, ...operandsOf(spec), "[options]")}`,
    "",
    ...exampleLines(spec),
    "",
    ...rows,
    "",
    ...spec.help,
    "",
  ].join("\n");
}

export const operandsOf = ({ operands }: Pick<Explained, "operands">): string[] => operands?.split(" ") ?? [];

const widest = 80;

/** In two columns, or below each other where both together are too wide. */
function exampleLines({ name, examples }: Explained): string[] {
  const shown = examples.map(([line, does]) => [asStarted(line, name), does] as const);
  const width = Math.max(...shown.map(([line]) => line.length));
  const isNarrow = shown.every(([, does]) => 2 + width + 2 + does.length <= widest);
  return shown.flatMap(([line, does]) =>
    isNarrow ? [`  ${line.padEnd(width)}  ${does}`] : [`  ${line}`, `      ${does}`],
  );
}

/** The line in the way in which the user started Berth; but npm's own lines are no input for another program. */
function asStarted(line: string, name: string): string {
  const found = new RegExp(String.raw`^(|[^|]*\| )berth ${name}((?: [^|]*)?)$`).exec(line);
  if (found === null) return line;
  const [, before = "", rest = ""] = found;
  return before + invocation(name, ...rest.split(" ").filter((word) => word !== ""));
}
