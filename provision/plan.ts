import { type Outcome, runCommand } from "../lib/command/command.ts";
import { readStack } from "../lib/deploy/reading.ts";
import { requireSafeData } from "../lib/deploy/data-safety.ts";
import { showPlan } from "../lib/deploy/shown-plan.ts";
import { isPending } from "../lib/engine/plan.ts";
import { exitCodes } from "../lib/errors.ts";
import type { Session } from "../lib/command/session.ts";

async function plan(session: Session): Promise<Outcome> {
  const reading = await readStack(session);
  await requireSafeData(session, reading);
  const shown = await showPlan(session, reading, true);
  return isPending(shown)
    ? { outcome: "changes-pending", exitCode: exitCodes.changesPending }
    : { outcome: "unchanged", exitCode: exitCodes.done };
}

await runCommand({
  name: "plan",
  summary: "shows what up would do, field by field, and changes nothing",
  examples: [
    ["berth plan", "what up would do now"],
    ["berth plan --local", "the same on the embedded AWS"],
    ["berth plan --json", "for scripts; exit code 2 if changes are pending"],
  ],
  help: [
    "Runs with clients that refuse every call that isn't a read.",
    "Exit codes: 0 no changes, 2 changes pending, 1 failed, 3 bad input, 130 interrupted.",
  ],
  run: plan,
});
