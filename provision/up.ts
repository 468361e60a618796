import { runCommand, type Outcome } from "../lib/command/command.ts";
import { buildApp } from "../lib/deploy/build.ts";
import { confirm, requireWithin } from "../lib/deploy/confirmation.ts";
import { convergeStack, ensureStateBucket } from "../lib/deploy/converging.ts";
import { chooseDataOrigin } from "../lib/deploy/data-origin.ts";
import { requireSafeData } from "../lib/deploy/data-safety.ts";
import { withLease } from "../lib/deploy/lease.ts";
import { readStack } from "../lib/deploy/reading.ts";
import { showPlan } from "../lib/deploy/shown-plan.ts";
import { isPending } from "../lib/engine/plan.ts";
import { exitCodes } from "../lib/errors.ts";
import { reportOutputs } from "../lib/deploy/outputs.ts";
import type { Session } from "../lib/command/session.ts";

const intentPatienceMs = 15_000;

async function up(session: Session): Promise<Outcome> {
  const shown = await readStack(session);
  await requireSafeData(session, shown);
  const plan = await showPlan(session, shown, false);
  if (!isPending(shown.plan) && shown.wasKept !== true) {
    const url = await reportOutputs(session, shown, shown.observations);
    return { outcome: "unchanged", exitCode: exitCodes.done, url };
  }
  const restoredFrom = await chooseDataOrigin(session, shown);
  const { stack, region, account } = plan.head;
  // On a small terminal the head of the plan has scrolled away by now.
  await confirm(session, `Change ${stack} in ${region}, account ${account}? Type yes:`, "yes");
  await buildApp(session, shown);
  await ensureStateBucket(session, shown);

  return withLease(session, "up", async (held) => {
    const expectsDocument = held.isTakenOver || shown.wasKept === true;
    const reading = await readStack(session, { patienceMs: intentPatienceMs, restoredFrom, expectsDocument });
    await requireSafeData(session, reading);
    requireWithin(session, plan, reading.plan);
    const found = await convergeStack(session, reading, held);
    const url = await reportOutputs(session, reading, found);
    return { outcome: "done", exitCode: exitCodes.done, url };
  });
}

await runCommand({
  name: "up",
  summary: "makes everything as berth.yaml declares it, and waits until the app answers from outside",
  examples: [
    ["berth up", "shows the plan and asks first"],
    ["berth up --local", "on the embedded AWS; no account is needed"],
    ["berth up --yes --wait 600", "asks nothing, for CI"],
    ["berth up --upgrade-os", "with a new host that has the newest image"],
  ],
  help: [
    "Shows the plan and asks before it changes anything. A second run changes nothing.",
    "Exit codes: 0 done, 1 failed, 3 bad input, 4 lease held, 5 release unhealthy, 130 interrupted.",
  ],
  run: up,
});
