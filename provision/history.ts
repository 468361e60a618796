import { type Outcome, runCommand } from "../lib/command/command.ts";
import type { Session } from "../lib/command/session.ts";
import { readHistory } from "../lib/deploy/history.ts";
import { exitCodes } from "../lib/errors.ts";
import { historyLines } from "../lib/release/history-lines.ts";

const shown = 20;
/** A damaged release could have any number. */
const most = 10_000;

async function history(session: Session): Promise<Outcome> {
  const { releases, total } = await readHistory(session, () => (session.flags.all ? most : shown));
  const older = total - releases.length;
  session.report.data("releases", { releases, total }, [
    ...historyLines(releases),
    ...(older > 0 ? [`${older} older${session.flags.all ? "" : ": --all shows them too"}`] : []),
  ]);
  return { outcome: "done", exitCode: exitCodes.done };
}

await runCommand({
  name: "history",
  summary: "shows the releases: when, by whom, from which commit, and what became of them",
  usesSource: false,
  examples: [
    ["berth history", "the last 20 releases"],
    ["berth history --all", "every release there was"],
  ],
  help: [
    "Changes nothing. An asterisk marks a commit with changes that weren't committed.",
    "Exit codes: 0 done, 1 failed, 3 bad input, 130 interrupted.",
  ],
  run: history,
});
