import { type Outcome, runCommand } from "../lib/command/command.ts";
import { badArguments } from "../lib/command/flags.ts";
import type { Session } from "../lib/command/session.ts";
import { confirm } from "../lib/deploy/confirmation.ts";
import { readHistory } from "../lib/deploy/history.ts";
import { withLease } from "../lib/deploy/lease.ts";
import { chooseRollback, reportAnswer, rollbackLines, shipRollback } from "../lib/deploy/rollback.ts";
import { exitCodes } from "../lib/errors.ts";

const looked = 50;
const most = 10_000;

async function rollback(session: Session): Promise<Outcome> {
  const asked = parseNumber(session.flags.operands[0]);
  const history = await readHistory(session, (newest) =>
    Math.min(most, Math.max(looked, newest - (asked ?? newest) + 2)),
  );
  const chosen = await chooseRollback(session, history, asked);
  const { from, to, differences } = chosen;
  if (differences.length === 0) {
    session.report.message(`release ${from.number} serves, and is the same as ${to.release.number}`);
    return { outcome: "unchanged", exitCode: exitCodes.done };
  }
  const shown = { from: from.number, to: to.release.number, differences };
  session.report.announce("rollback", shown, rollbackLines(chosen));
  await confirm(session, `Roll ${session.config.stack} back to release ${shown.to}? Type yes:`, "yes");
  await withLease(session, "rollback", (held) => shipRollback(session, held.writeContext(), chosen));
  const url = await reportAnswer(session, history.hosts);
  return { outcome: "done", exitCode: exitCodes.done, url };
}

function parseNumber(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[1-9][0-9]{0,8}$/.test(word)) return Number(word);
  throw badArguments(`"${word}" is no release: give its number, such as 7`, "rollback");
}

await runCommand({
  name: "rollback",
  summary: "puts an earlier release back: its image and all its settings",
  operands: "[N]",
  usesSource: false,
  examples: [
    ["berth rollback", "to the last release that served before"],
    ["berth rollback 7", "to release 7"],
    ["berth rollback --yes", "asks nothing"],
  ],
  help: [
    "The host starts it beside the one that serves, and switches when it is well. It gets a new number.",
    "The next up ships what the source is then. Needs neither the source nor a Docker engine.",
    "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held, 5 release unhealthy, 130 interrupted.",
  ],
  run: rollback,
});
