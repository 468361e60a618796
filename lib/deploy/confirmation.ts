import { isWithin, type Plan } from "../engine/plan.ts";
import { BerthError, exitCodes } from "../errors.ts";
import type { ShownPlan } from "../report/shown-plan.ts";
import { ask } from "../report/terminal.ts";
import type { Session } from "../command/session.ts";

/** Asks a question on the terminal; the answer must be `expected`. With --yes it asks nothing. */
export async function confirm(session: Session, question: string, expected: string): Promise<void> {
  if (session.flags.yes) return;
  if (!isInteractive(session)) {
    throw new BerthError({
      code: "NeedsConfirmation",
      message: "there is nobody to ask: standard input is no terminal, or --json was given",
      hint: "look at the plan, then run the same command with --yes",
      exitCode: exitCodes.badInput,
    });
  }
  const answer = await ask(question, session.signal);
  if (answer.trim().toLowerCase() === expected) return;
  throw new BerthError({
    code: "Declined",
    message: `the answer was not "${expected}"; nothing was changed`,
  });
}

/**
 * Asks a question on the terminal that has two answers.
 *
 * @throws BerthError `Declined` at any other answer.
 */
export async function askForOne<T extends string>(
  { signal }: Session,
  question: string,
  [first, second]: readonly [T, T],
): Promise<T> {
  const answer = (await ask(question, signal)).trim().toLowerCase();
  for (const one of [first, second]) if (answer === one) return one;
  throw new BerthError({
    code: "Declined",
    message: `the answer was neither "${first}" nor "${second}"; nothing was changed`,
  });
}

/** Whether a question can be asked. */
export const isInteractive = ({ flags }: Session): boolean =>
  process.stdin.isTTY && !flags.json && !flags.yes;

/** Stops the run if the new plan would do more than the user was shown: AWS may have changed since. */
export function requireWithin(session: Session, shown: ShownPlan, plan: Plan): void {
  if (isWithin(shown, plan)) return;
  session.report.plan({ ...shown, ...plan }, false);
  if (session.flags.yes) return;
  throw new BerthError({
    code: "PlanChanged",
    message: "what has to be done is no longer what was shown; nothing was changed",
    hint: "the new plan is above; run the same command again to go on with it",
  });
}
