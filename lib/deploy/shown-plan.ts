import type { Session } from "../command/session.ts";
import type { ShownPlan } from "../report/shown-plan.ts";
import type { Reading } from "./reading.ts";
import { findWarnings } from "./warnings.ts";
import { workTreeText } from "./work-tree.ts";

/** Shows the plan with everything that a user should know before they agree. */
export async function showPlan(session: Session, reading: Reading, asData: boolean): Promise<ShownPlan> {
  const { report } = session;
  if (reading.workTree !== undefined) report.message(workTreeText(reading.workTree));
  const shown = { ...reading.plan, warnings: await findWarnings(session, reading) };
  report.plan(shown, asData);
  return shown;
}
