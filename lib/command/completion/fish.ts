import { type KnownCommand, type KnownOption, listValued } from "./known-commands.ts";

/** A script for fish 3, to be sourced, or to be kept as ~/.config/fish/completions/berth.fish. */
export function fishScript(known: readonly KnownCommand[]): string {
  const valued = listValued(known).map(({ name }) => `--${name}`);
  return `# Completes berth in fish. For this shell: berth completion fish | source
function __berth_given
    set -l given
    set -l is_value no
    for token in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
            continue
        end
        switch $token
            case ${valued.join(" ")}
                set is_value yes
            case '-*'
            case '*'
                set -a given $token
        end
    end
    string join ' ' -- $given
end
function __berth_at
    test "$(__berth_given)" = "$argv[1]"
end
function __berth_in
    string match -q -- "$argv[1] *" "$(__berth_given) "
end
complete -c berth -f
${known.flatMap(lines).join("\n")}
`;
}

function lines({ path, words, options }: KnownCommand): string[] {
  const place = words.length > 0 ? `__berth_at '${path}'` : `__berth_in '${path}'`;
  return [
    ...words.map(([word, text]) =>
      [`complete -c berth -n "${place}" -a ${word}`, ...(text === "" ? [] : [`-d ${quote(text)}`])].join(" "),
    ),
    ...options.map((option) => `complete -c berth -n "${place}" ${describe(option)}`),
  ];
}

function describe({ name, short, text, value }: KnownOption): string {
  const parts = [`-l ${name}`, ...(short === undefined ? [] : [`-s ${short}`]), `-d ${quote(text)}`];
  if (value === undefined) return parts.join(" ");
  return [...parts, value === "FILE" ? "-r -F" : "-x"].join(" ");
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
