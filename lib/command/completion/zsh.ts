import { type KnownCommand, type KnownOption, listValued } from "./known-commands.ts";

/** A script for zsh, to be sourced, or to be kept as a file _berth in a folder of $fpath. */
export function zshScript(known: readonly KnownCommand[]): string {
  const valued = listValued(known);
  const files = valued.filter(({ value }) => value === "FILE");
  return `#compdef berth
# Completes berth in zsh. For this shell: source <(berth completion zsh)
_berth() {
  local given="" before=$words[CURRENT-1] index
  local -a list options
  for ((index = 2; index < CURRENT; index++)); do
    case $words[index] in
      (${patterns(valued)}) index=$((index + 1)) ;;
      (-*) ;;
      (*) given="$given\${given:+ }$words[index]" ;;
    esac
  done
  if compset -P '--*='; then before=\${IPREFIX%=}; fi
  case $before in
    (${patterns(files)}) _files; return ;;
    (${patterns(valued)}) return ;;
  esac
  case $given in
${known.map(branch).join("\n")}
  esac
  if (( $#list )) && [[ $PREFIX != -* ]]; then _describe command list
  else _describe -o option options
  fi
}
if [[ $funcstack[1] == _berth ]]; then _berth "$@"; else compdef _berth berth; fi
`;
}

const patterns = (options: readonly KnownOption[]): string =>
  options.map(({ name }) => `--${name}`).join("|");

function branch({ path, words, options }: KnownCommand): string {
  const pattern = words.length > 0 ? `"${path}"` : `"${path}"|"${path} "*`;
  const list = words.map(([word, text]) => quote(text === "" ? word : `${word}:${text}`));
  const names = options.flatMap(({ name, short, text }) => [
    quote(`--${name}:${text}`),
    ...(short === undefined ? [] : [quote(`-${short}:${text}`)]),
  ]);
  return `    (${pattern}) list=(${list.join(" ")}) options=(${names.join(" ")}) ;;`;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
