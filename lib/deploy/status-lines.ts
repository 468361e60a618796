import { httpsLines } from "../release/certificate.ts";
import { appLine, minuteText, rateLines, releaseLines } from "../release/figures.ts";
import { hostNewsLines } from "../release/host-news.ts";
import { maintenanceLine } from "../release/maintenance.ts";
import { type Serving, servingLines } from "../release/serving.ts";
import { silenceLines } from "../release/silence.ts";
import type { CostEstimate } from "../report/shown-plan.ts";
import { alarmLines, type WatchingNews } from "./alarm-lines.ts";
import { metricsLines } from "./metrics-lines.ts";
import type { Metrics } from "./metrics-reading.ts";
import { nameLines, type NameNews } from "./names.ts";
import type { Outputs } from "./outputs.ts";
import { healthLines, type Probe } from "./probe.ts";
import { differenceLine, type ResourceRow, resourceLines } from "./resource-lines.ts";

/** Everything that `status` shows. */
export interface Status extends Outputs {
  readonly stack: string;
  readonly url: string | undefined;
  readonly health: Probe | undefined;
  /** Absent if the published release serves, or none. */
  readonly serving: Serving | undefined;
  /** Absent if the stack sends none. */
  readonly metrics: Metrics | undefined;
  readonly names: readonly NameNews[];
  readonly cost: CostEstimate;
  /** Absent without `alarms`. */
  readonly watching: WatchingNews | undefined;
  readonly resources: readonly ResourceRow[];
  readonly differs: readonly { readonly name: string; readonly action: string }[];
}

/** The whole stack on one screen, as long as all is well: what serves comes first, and what it stands on last. */
export function statusLines(status: Status, nowMs: number): string[] {
  const { url, health, app, metrics, names, https, release, rollout, serving, host, cost, differs } = status;
  return [
    `url         ${url ?? "none"}`,
    ...(release?.maintenance === undefined
      ? healthLines(health, app?.log)
      : [maintenanceLine(release.maintenance)]),
    ...nameLines(names),
    ...httpsLines(https, nowMs),
    ...releaseLines(release, rollout),
    ...servingLines(serving),
    hostLine(status),
    ...silenceLines(rollout?.at, nowMs),
    appLine(app, nowMs),
    ...rateLines(app),
    ...metricsLines(metrics),
    ...hostNewsLines(host),
    ...alarmLines(status.watching, status.stack),
    `cost        ${cost.text}`,
    ...resourceLines(status.stack, status.resources),
    differenceLine(differs),
  ];
}

function hostLine({ instance, rollout }: Pick<Status, "instance" | "rollout">): string {
  if (instance === undefined) return "host        none";
  const told = rollout?.at === undefined ? "has told nothing yet" : `told last at ${minuteText(rollout.at)}`;
  return `host        ${instance}, which ${told}`;
}
