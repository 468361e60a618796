import { type Metrics, sumOf } from "./metrics-reading.ts";

const levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/** Two minutes each, so that the line fits beside its words. */
const columns = 30;

/** The last hour, for people: at most four lines. Nothing if the stack sends no metrics. */
export function metricsLines(metrics: Metrics | undefined): string[] {
  if (metrics === undefined) return [];
  const { requests, failedRequests, tries, failedTries, seconds } = metrics;
  const [asked, failed] = [sumOf(requests), sumOf(failedRequests)];
  if (asked === 0) return ["requests    none in the last hour", ...usageLines(metrics)];
  return [
    `requests    ${sparkline(requests)} ${asked} in an hour, ${failed} failed`,
    `tries       ${sparkline(failedTries)} ${shareText(sumOf(failedTries), sumOf(tries))}`,
    ...(seconds === undefined
      ? []
      : [
          `latency     p50 ${timeText(seconds.p50)}, p90 ${timeText(seconds.p90)}, p99 ${timeText(seconds.p99)}`,
        ]),
    ...usageLines(metrics),
  ];
}

/** Each column is relative to the highest. Only nothing at all is the lowest level. */
function sparkline(values: readonly number[]): string {
  const width = Math.ceil(values.length / columns);
  const sums = Array.from({ length: Math.ceil(values.length / width) }, (_none, at) =>
    sumOf(values.slice(at * width, (at + 1) * width)),
  );
  const most = Math.max(...sums);
  return sums
    .map((sum) => levels[sum === 0 ? 0 : Math.max(1, Math.round((sum / most) * (levels.length - 1)))])
    .join("");
}

const shareText = (failed: number, all: number): string =>
  all === 0 ? "none" : `${((failed / all) * 100).toFixed(1)} % of ${all} tries failed`;

const timeText = (seconds: number): string =>
  seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

function usageLines({ memoryPercent, diskPercent, cpuCredits }: Metrics): string[] {
  const parts = [
    ...(memoryPercent === undefined ? [] : [`memory ${Math.round(memoryPercent)} %`]),
    ...(diskPercent === undefined ? [] : [`disk ${Math.round(diskPercent)} %`]),
    ...(cpuCredits === undefined ? [] : [`${Math.round(cpuCredits)} CPU credits left`]),
  ];
  return parts.length === 0 ? [] : [`usage       ${parts.join(", ")}`];
}
