import type { Attribute, Difference } from "../contract/resource.ts";
import { notThereYet, type Step } from "../engine/plan.ts";
import { headLines } from "./head-lines.ts";
import { Line, line } from "./line.ts";
import { shortenNames } from "./short-names.ts";
import type { PlanWarning, ShownPlan } from "./shown-plan.ts";
import type { Paint } from "./terminal.ts";

export const marks: Readonly<Record<string, string>> = {
  create: "+",
  update: "~",
  replace: "±",
  remove: "-",
};

/** A plan as text for people: where and what, one line per step, one per field, and the totals. */
export function planLines({ head, steps, superseded, warnings }: ShownPlan, paint: Paint): Line[] {
  const warned = warnings.flatMap((one) => warningLines(one, paint));
  if (steps.length === 0 && superseded.length === 0) {
    const { stack, region, account } = head;
    return [line`No changes: ${stack} in ${region}, account ${account}, is as declared.`, ...warned];
  }
  const count = (action: string) => steps.filter((step) => step.action === action).length;
  return [
    ...headLines(head, paint),
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
  return hint === undefined ? [first] : [first, line`         ${hint}`.hanging(9)];
}

/** The column at which the attributes of a step begin. */
const attributeColumn = 31;

function stepLines(step: Step, paint: Paint): Line[] {
  const color = { create: paint.green, update: paint.yellow, replace: paint.magenta }[step.action];
  const mark = Line.paint(color, marks[step.action] ?? "?");
  const { name, action, because = notThereYet, attributes = [], consequence } = step;
  const why = because === notThereYet ? [] : [because];
  const about = [...why, ...attributes.map(attributeText)].join(", ");
  const row = line`  ${mark} ${name.padEnd(18)} ${about === "" ? action : action.padEnd(7)}`;
  return [
    about === "" ? row : line`${row} ${about}`.hanging(attributeColumn),
    ...step.differences.map((one) => differenceLine(one, paint)),
    ...(consequence === undefined ? [] : [line`      ${Line.paint(paint.dim, consequence)}`.hanging(6)]),
  ];
}

const attributeText = ({ field, value }: Attribute): string =>
  shorten(field === "" ? value : `${field} ${value}`);

function differenceLine({ field, desired, observed, reason }: Difference, paint: Paint): Line {
  const because = reason === undefined ? "" : Line.paint(paint.dim, `  (${reason})`);
  return line`      ${field}: ${shorten(observed)} -> ${shorten(desired)}${because}`.hanging(8);
}

function shorten(text: string): string {
  const short = shortenNames(text);
  return short.length > 90 ? `${short.slice(0, 60)}…${short.slice(-20)}` : short;
}
