import type { Step } from "../engine/plan.ts";
import { Line, line } from "./line.ts";
import type { PlanWarning, ShownPlan } from "./shown-plan.ts";
import type { Paint } from "./terminal.ts";

export const marks: Readonly<Record<string, string>> = {
  create: "+",
  update: "~",
  replace: "±",
  remove: "-",
};

/** A plan as text for people: one line per step, one per field, and the totals. */
export function planLines({ steps, superseded, warnings }: ShownPlan, paint: Paint): Line[] {
  const warned = warnings.flatMap((one) => warningLines(one, paint));
  if (steps.length === 0 && superseded.length === 0)
    return [line`No changes: everything is as declared.`, ...warned];
  const count = (action: string) => steps.filter((step) => step.action === action).length;
  return [
    ...steps.flatMap((step) => stepLines(step, paint)),
    ...superseded.map(
      ({ name, id }) => line`  ${Line.paint(paint.red, "-")} ${name} ${id}: replaced earlier, to be removed`,
    ),
    line`${count("create")} to create, ${count("update")} to update, ${count("replace")} to replace, ${superseded.length} to remove`,
    ...warned,
  ];
}

/** The warnings stand last, where they are read before the question. */
function warningLines({ message, hint }: PlanWarning, paint: Paint): Line[] {
  const first = line`${Line.paint(paint.yellow, "warning")}  ${message}`;
  return hint === undefined ? [first] : [first, line`         ${hint}`];
}

function stepLines(step: Step, paint: Paint): Line[] {
  const color = { create: paint.green, update: paint.yellow, replace: paint.magenta }[step.action];
  const mark = Line.paint(color, marks[step.action] ?? "?");
  const why = step.because === undefined ? "" : Line.paint(paint.dim, `  ${step.because}`);
  const fields = step.differences.map(({ field, desired, observed, reason }) => {
    const because = reason === undefined ? "" : Line.paint(paint.dim, `  (${reason})`);
    return line`      ${field}: ${shorten(observed)} -> ${shorten(desired)}${because}`;
  });
  const { consequence } = step;
  return [
    line`  ${mark} ${step.name.padEnd(18)} ${step.action}${why}`,
    ...fields,
    ...(consequence === undefined ? [] : [line`      ${Line.paint(paint.dim, consequence)}`]),
  ];
}

const shorten = (text: string): string =>
  text.length > 90 ? `${text.slice(0, 60)}…${text.slice(-20)}` : text;
