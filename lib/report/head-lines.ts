import { shortHash } from "../short-hash.ts";
import { Line, line } from "./line.ts";
import type { PlanHead } from "./shown-plan.ts";
import type { Paint } from "./terminal.ts";

const labelWidth = 10;

type Account = Pick<PlanHead, "account" | "accountAlias" | "isLocal">;

/** Where a command acts, and by whom. */
export type Place = Account & Pick<PlanHead, "caller" | "stack" | "region">;

/** The account as people tell accounts apart. */
export function accountText({ account, accountAlias, isLocal }: Account): string {
  const named = accountAlias === undefined ? account : `${account} (${accountAlias})`;
  return isLocal ? `${named} of the embedded AWS on this computer` : named;
}

type Row = readonly [label: string, value: string];

/** Where a command is about to act, and by whom. */
export const placeRows = (place: Place): Row[] => [
  ["account", accountText(place)],
  ["caller", place.caller],
  ["stack", `${place.stack} in ${place.region}`],
];

export const rowText = ([label, value]: Row): string => `${label.padEnd(labelWidth)} ${value}`;

/** Says where a plan would be carried out, by whom, and what it comes to. */
export function headLines(head: PlanHead, paint: Paint): Line[] {
  const { instanceType, diskGib, machineImage, ingress, image, cost } = head;
  const rows: readonly Row[] = [
    ...placeRows(head),
    ["host", `${instanceType} with ${diskGib} GiB, ${machineImage}`],
    ["open", ingress.length === 0 ? "nothing" : ingress.join(", ")],
    ["image", image],
    ["source", sourceText(head)],
    ["cost", cost.text],
  ];
  return rows.map(([label, value]) =>
    line`${Line.paint(paint.dim, label.padEnd(labelWidth))} ${value}`.hanging(labelWidth + 1),
  );
}

const mostNamed = 3;

/** What is going to be built: a commit, or what differs from it. */
export function sourceText({ commit, uncommitted = [] }: Pick<PlanHead, "commit" | "uncommitted">): string {
  if (commit === undefined) return "in no Git repository";
  const about = `git commit ${shortHash(commit)}`;
  if (uncommitted.length === 0) return `${about}, clean`;
  const more = uncommitted.length > mostNamed ? ` and ${uncommitted.length - mostNamed} more` : "";
  return `${about}, with changes that aren't committed: ${uncommitted.slice(0, mostNamed).join(", ")}${more}`;
}
