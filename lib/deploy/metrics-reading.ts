import {
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from "@aws-sdk/client-cloudwatch";
import type { ReadContext } from "../contract/resource.ts";

/** What CloudWatch has of the last hour. A list has one number for each minute, the oldest first. */
export interface Metrics {
  /** When the hour began. */
  readonly from: string;
  readonly requests: readonly number[];
  readonly failedRequests: readonly number[];
  readonly tries: readonly number[];
  readonly failedTries: readonly number[];
  /** How long half, 90 % and 99 % of the requests took at most; absent when there was none. */
  readonly seconds?: { readonly p50: number; readonly p90: number; readonly p99: number };
  /** The newest of each; of several hosts the highest. */
  readonly memoryPercent?: number;
  readonly diskPercent?: number;
  /** The credits that the host has left. Only burstable types have any. */
  readonly cpuCredits?: number;
}

export interface MetricsPlace {
  readonly namespace: string;
  readonly instance: string | undefined;
}

const minutes = 60;
const minuteMs = 60_000;

/** One call. The minute that isn't over yet is left out. */
export async function readMetrics(
  { clients }: ReadContext,
  place: MetricsPlace,
  nowMs: number,
): Promise<Metrics> {
  const endMs = Math.floor(nowMs / minuteMs) * minuteMs;
  const startMs = endMs - minutes * minuteMs;
  const { MetricDataResults = [] } = await clients.cloudWatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(startMs),
      EndTime: new Date(endMs),
      ScanBy: "TimestampAscending",
      MetricDataQueries: queriesOf(place),
    }),
  );
  const found = new Map(MetricDataResults.map((one) => [one.Id ?? "", one]));
  const byMinute = (id: string) => seriesOf(found.get(id), startMs);
  const share = (id: string) => meanOf(found.get(id), found.get("answers"));
  const [p50, p90, p99] = [share("p50"), share("p90"), share("p99")];
  const newest = (field: string, id: string) => {
    const value = found.get(id)?.Values?.at(-1);
    return value === undefined ? {} : { [field]: value };
  };
  return {
    from: new Date(startMs).toISOString(),
    requests: byMinute("requests"),
    failedRequests: byMinute("failedRequests"),
    tries: byMinute("tries"),
    failedTries: byMinute("failedTries"),
    ...(p50 === undefined || p90 === undefined || p99 === undefined ? {} : { seconds: { p50, p90, p99 } }),
    ...newest("memoryPercent", "memory"),
    ...newest("diskPercent", "disk"),
    ...newest("cpuCredits", "credits"),
  };
}

function queriesOf({ namespace, instance }: MetricsPlace): MetricDataQuery[] {
  const own = (Id: string, MetricName: string, Stat: string, Period = 60): MetricDataQuery => ({
    Id,
    MetricStat: { Metric: { Namespace: namespace, MetricName }, Stat, Period },
  });
  const hour = (Id: string, Stat: string) => own(Id, "ResponseTime", Stat, 3600);
  const credits = (Value: string): MetricDataQuery => ({
    Id: "credits",
    MetricStat: {
      Metric: {
        Namespace: "AWS/EC2",
        MetricName: "CPUCreditBalance",
        Dimensions: [{ Name: "InstanceId", Value }],
      },
      Stat: "Minimum",
      Period: 300,
    },
  });
  return [
    own("requests", "FailedRequests", "SampleCount"),
    own("failedRequests", "FailedRequests", "Sum"),
    own("tries", "FailedTries", "SampleCount"),
    own("failedTries", "FailedTries", "Sum"),
    hour("answers", "SampleCount"),
    hour("p50", "p50"),
    hour("p90", "p90"),
    hour("p99", "p99"),
    own("memory", "MemoryUsed", "Maximum"),
    own("disk", "DiskUsed", "Maximum"),
    ...(instance === undefined ? [] : [credits(instance)]),
  ];
}

/** A minute that CloudWatch has nothing of had no request. */
function seriesOf({ Timestamps = [], Values = [] }: MetricDataResult = {}, startMs: number): number[] {
  const at = new Map(
    Timestamps.map((time, index) => [Math.floor((time.getTime() - startMs) / minuteMs), Values[index] ?? 0]),
  );
  return Array.from({ length: minutes }, (_none, minute) => at.get(minute) ?? 0);
}

/** CloudWatch may divide the hour in two, at a full hour. The part with more answers then counts more. */
function meanOf({ Values: values = [] }: MetricDataResult = {}, counted: MetricDataResult = {}) {
  const counts = values.map((_value, index) => counted.Values?.[index] ?? 1);
  const total = sumOf(counts);
  if (total === 0) return undefined;
  return sumOf(values.map((value, index) => value * (counts[index] ?? 0))) / total;
}

export const sumOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);
