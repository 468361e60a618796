import { invocation } from "../invocation.ts";
import { minuteText } from "./figures.ts";

/** A host reports every ten minutes, `EVERY_S` in its reporter.py. Its clock and this computer's may differ by some minutes more. */
const patienceMs = 30 * 60_000;

/** Warns of a host whose last report is too old for one that is well. */
export function silenceLines(at: string | undefined, nowMs: number): string[] {
  const ms = Date.parse(at ?? "");
  if (at === undefined || !(nowMs - ms > patienceMs)) return [];
  return [
    `silent      nothing since ${minuteText(at)}, though a host reports every 10 min. Its agent may have ended, it may not reach S3, or S3 refuses it since its clock is more than 15 min off: see the instance's state and console in EC2, hosts/INSTANCE.journal.json in the state bucket, and ${invocation("logs host")} if berth.yaml has logs`,
  ];
}
