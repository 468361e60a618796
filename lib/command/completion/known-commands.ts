import { commands } from "../../../bin/commands.mjs";
import { optionsOf } from "../flags.ts";

/** What can follow one command on a command line. */
export interface KnownCommand {
  /** `up` or `state show`; empty for `berth` itself. */
  readonly path: string;
  /** The commands that can follow, with what each does, where that is known. */
  readonly words: readonly (readonly [string, string])[];
  readonly options: readonly KnownOption[];
}

export interface KnownOption {
  readonly name: string;
  readonly short: string | undefined;
  readonly text: string;
  /** What its value stands for, such as FILE; undefined if it takes none. */
  readonly value: string | undefined;
}

/** Every command that a user can type, from the same tables as the help texts. */
export function listCommands(): KnownCommand[] {
  const entries = Object.entries(commands);
  const top = entries.map(([name, { summary }]) => [name, summary] as const);
  return [
    { path: "", words: top, options: onlyHelp() },
    ...entries.flatMap(([name, command]) => {
      const words = "words" in command ? command.words : [];
      const operands = "operands" in command ? command.operands : [];
      const options = "script" in command && sharesOptions(command.script) ? knownOptions : onlyHelp;
      return [
        {
          path: name,
          words: [...words, ...operands].map((word) => [word, ""] as const),
          options: options(name),
        },
        ...operands.map((word) => ({ path: `${name} ${word}`, words: [], options: options(name) })),
        ...words.map((word) => ({ path: `${name} ${word}`, words: [], options: options(`${name} ${word}`) })),
      ];
    }),
  ];
}

/** The options of all commands that take a value, which is no command. */
export function listValued(known: readonly KnownCommand[]): KnownOption[] {
  const valued = known.flatMap(({ options }) => options).filter(({ value }) => value !== undefined);
  return [...new Map(valued.map((option) => [option.name, option])).values()];
}

/** The scripts in setup/ and compose/ read arguments of their own. */
const sharesOptions = (script: string): boolean => /^(?:provision|teardown|state)\//.test(script);

function knownOptions(path: string): KnownOption[] {
  return optionsOf(path).map(([name, option]) => ({
    name,
    text: option.text,
    short: "short" in option ? option.short : undefined,
    value: "value" in option ? option.value : undefined,
  }));
}

const onlyHelp = (): KnownOption[] => knownOptions("completion");
