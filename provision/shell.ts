import { isatty } from "node:tty";
import { badArguments } from "../lib/command/flags.ts";
import { type Interrupt, type Outcome, runCommand } from "../lib/command/command.ts";
import type { Session } from "../lib/command/session.ts";
import { readHosts } from "../lib/deploy/hosts.ts";
import { requirePlugin } from "../lib/deploy/session-plugin.ts";
import { runShell } from "../lib/deploy/shell-session.ts";
import { BerthError, exitCodes } from "../lib/errors.ts";
import { invocation } from "../lib/invocation.ts";

async function shell(session: Session, interrupt: Interrupt): Promise<Outcome> {
  const { config, flags } = session;
  if (flags.json) throw badArguments("a shell is for people: it has no --json", "shell");
  if (!flags.local && !config.shell) throw shellOff();
  if (!isatty(0) || !isatty(1)) throw badArguments("a shell needs a terminal, and this is none", "shell");
  if (!flags.local) await requirePlugin();
  const host = await chooseHost(session);
  if (flags.local) throw notHere(host, flags.app);
  const exitCode = await runShell(session, { host, place: flags.app ? "app" : "host" }, interrupt);
  const outcomes = new Map<number, Outcome["outcome"]>([
    [exitCodes.done, "done"],
    [exitCodes.interrupted, "interrupted"],
  ]);
  return { outcome: outcomes.get(exitCode) ?? "failed", exitCode };
}

async function chooseHost(session: Session): Promise<string> {
  const { ids } = await readHosts(session);
  const { host = ids.length === 1 ? ids[0] : undefined } = session.flags;
  if (ids.length === 0)
    throw new BerthError({
      code: "NoHost",
      message: `${session.config.stack} has no host`,
      hint: `${invocation("up")} makes one`,
    });
  if (host === undefined)
    throw badArguments(`there are several hosts; choose one by --host: ${ids.join(", ")}`, "shell");
  if (!ids.includes(host))
    throw badArguments(`${session.config.stack} has no host "${host}", only: ${ids.join(", ")}`, "shell");
  return host;
}

function shellOff(): BerthError {
  return new BerthError({
    code: "ShellOff",
    message: "berth.yaml has no shell: true, so nobody can open a shell on the hosts",
    hint: `add shell: true to berth.yaml, then ${invocation("up")}`,
    exitCode: exitCodes.badInput,
  });
}

function notHere(host: string, isForApp: boolean): BerthError {
  const within = isForApp ? " sh /usr/local/lib/berth/app_shell.sh" : " bash";
  return new BerthError({
    code: "NoSessionManager",
    message: "the embedded AWS has no Session Manager",
    hint: `its host is a container on this computer: docker exec -it ${host}${within}`,
    exitCode: exitCodes.badInput,
  });
}

await runCommand({
  name: "shell",
  summary: "opens a shell on the host, or in the app's container",
  usesSource: false,
  examples: [
    ["berth shell", "on the host"],
    ["berth shell --app", "in a container of the release that serves"],
  ],
  help: [
    "Needs shell: true in berth.yaml, and AWS's session-manager-plugin on this computer. No port is open for it.",
    "Changes nothing by itself. Exit codes: 0 done, 1 failed, 3 bad input, 130 interrupted, and the plugin's own.",
  ],
  run: shell,
});
