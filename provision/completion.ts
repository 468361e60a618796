import { runCommand, type TextSpec } from "../lib/command/command.ts";
import { bashScript } from "../lib/command/completion/bash.ts";
import { fishScript } from "../lib/command/completion/fish.ts";
import { type KnownCommand, listCommands } from "../lib/command/completion/known-commands.ts";
import { zshScript } from "../lib/command/completion/zsh.ts";

function printer(shell: string, toScript: (known: readonly KnownCommand[]) => string, use: string): TextSpec {
  return {
    name: `completion ${shell}`,
    summary: `prints a script that completes berth's commands and options in ${shell}`,
    examples: [[use, "for this shell"]],
    help: [
      "The runbook says how to have it in every new shell.",
      "Print it again when Berth has a new version. Exit codes: 0 done, 3 bad input.",
    ],
    text: () => toScript(listCommands()),
  };
}

await runCommand({
  name: "completion",
  summary: "prints a script that completes berth's commands and options in a shell",
  commands: [
    printer("bash", bashScript, "source <(berth completion bash)"),
    printer("zsh", zshScript, "source <(berth completion zsh)"),
    printer("fish", fishScript, "berth completion fish | source"),
  ],
});
