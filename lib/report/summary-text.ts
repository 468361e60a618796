import type { Summary } from "./report.ts";

const outcomes: Readonly<Record<Summary["outcome"], string>> = {
  done: "done",
  unchanged: "nothing to do",
  "changes-pending": "changes pending",
  failed: "failed",
  interrupted: "interrupted",
  "left-behind": "something is left",
};

/** The last line for people. It claims that nothing changed only if no call could have changed anything. */
export function summaryText({ command, outcome, changes, calls, durationMs }: Summary): string {
  const changed = Object.entries(changes).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  const isUntouched = changed.length === 0 && calls.write === 0 && outcome !== "changes-pending";
  return [
    `${command}: ${outcomes[outcome]} in ${(durationMs / 1000).toFixed(1)} s`,
    ...(changed.length > 0 ? [changed.join(", ")] : []),
    ...(isUntouched ? ["nothing changed"] : []),
    `${calls.read} reads, ${calls.write} writes`,
  ].join("; ");
}
