import { type KnownCommand, type KnownOption, listValued } from "./known-commands.ts";

/** A script for bash 3.2 and newer, which macOS has. It starts no program, so that the Tab key answers at once. */
export function bashScript(known: readonly KnownCommand[]): string {
  const valued = listValued(known);
  const files = valued.filter(({ value }) => value === "FILE");
  return `# Completes berth in bash. For this shell: source <(berth completion bash)
_berth() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" words="" options="" index line
  # bash splits --config=FILE at its equals sign.
  if [[ $current == "=" ]]; then current=""
  elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${patterns(valued)})
        index=$((index + 1))
        if [[ \${COMP_WORDS[index]} == "=" ]]; then index=$((index + 1)); fi ;;
      -*) ;;
      *) command="$command\${command:+ }\${COMP_WORDS[index]}" ;;
    esac
  done
  COMPREPLY=()
  case $before in
    ${patterns(files)})
      compopt -o filenames 2>/dev/null || :
      while IFS="" read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
      return ;;
    ${patterns(valued)}) return ;;
  esac
  case $command in
${known.map(branch).join("\n")}
  esac
  if [[ $current == -* || -z $words ]]; then words=$options; fi
  while IFS="" read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$words" -- "$current")
}
complete -F _berth berth
`;
}

const patterns = (options: readonly KnownOption[]): string =>
  options.map(({ name }) => `--${name}`).join(" | ");

function branch({ path, words, options }: KnownCommand): string {
  // What stands behind a whole command is its operand, such as the number of a release.
  const pattern = words.length > 0 ? `"${path}"` : `"${path}" | "${path} "*`;
  const names = options.flatMap(({ name, short }) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
  const list = words.map(([word]) => word).join(" ");
  return `    ${pattern}) words="${list}" options="${names.join(" ")}" ;;`;
}
