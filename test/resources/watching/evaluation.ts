import {
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  type MetricAlarm,
  SetAlarmStateCommand,
  type StateValue,
} from "@aws-sdk/client-cloudwatch";
import type { Clients } from "../../../lib/aws/clients.ts";

export interface Evaluated {
  /** Whether each period's value breaches the threshold, the oldest first; undefined for a period without a value. */
  readonly points: readonly (boolean | undefined)[];
  readonly needed: number;
  readonly of: number;
  /** As in the alarm: `breaching`, `notBreaching`, `ignore` or `missing`. */
  readonly missing: string;
  readonly before: StateValue;
}

/**
 * The state that CloudWatch would give an alarm. It takes the newest values that it finds in somewhat more than the periods that
 * count, and lets `missing` stand for those that it doesn't find:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function stateOf({ points, needed, of, missing, before }: Evaluated): StateValue {
  const real = points.filter((one) => one !== undefined).slice(-of);
  const breaching = real.filter(Boolean).length;
  const filled = of - real.length;
  if (breaching >= needed) return "ALARM";
  if (breaching + filled < needed) return "OK";
  if (missing === "breaching") return "ALARM";
  if (missing === "notBreaching") return "OK";
  if (real.length > breaching) return "OK";
  if (missing === "ignore") return before;
  return real.length === 0 ? "INSUFFICIENT_DATA" : "ALARM";
}

/** How many periods more than those that count CloudWatch looks at. */
const further = 2;

/**
 * What CloudWatch does by itself each minute and the emulator never does: evaluates the alarms as they are defined there, on the
 * metrics that were sent there, and sets their states. Returns the states.
 */
export async function evaluateAlarms(
  { cloudWatch }: Pick<Clients, "cloudWatch">,
  prefix: string,
  nowMs: number,
): Promise<Record<string, StateValue>> {
  const asked = new DescribeAlarmsCommand({ AlarmNamePrefix: prefix });
  const { MetricAlarms = [] } = await cloudWatch.send(asked);
  const states = MetricAlarms.map(async (one) => {
    const { AlarmName = "", StateValue: before = "INSUFFICIENT_DATA", EvaluationPeriods = 1 } = one;
    const state = stateOf({
      points: await pointsOf(one),
      needed: one.DatapointsToAlarm ?? EvaluationPeriods,
      of: EvaluationPeriods,
      missing: one.TreatMissingData ?? "missing",
      before,
    });
    const StateReason = "evaluated by a test";
    if (state !== before)
      await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: state, StateReason }));
    return [AlarmName, state] as const;
  });
  return Object.fromEntries(await Promise.all(states));

  async function pointsOf(alarm: MetricAlarm): Promise<(boolean | undefined)[]> {
    const { Namespace, MetricName, Statistic = "Average", Period = 60, EvaluationPeriods = 1 } = alarm;
    const end = Math.floor(nowMs / (Period * 1000)) * Period * 1000;
    const count = EvaluationPeriods + further;
    const { Datapoints = [] } = await cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace,
        MetricName,
        Dimensions: alarm.Dimensions,
        Period,
        Statistics: [Statistic],
        StartTime: new Date(end - count * Period * 1000),
        EndTime: new Date(end),
      }),
    );
    const values = new Map(Datapoints.map((one) => [one.Timestamp?.getTime(), one[Statistic]]));
    return Array.from({ length: count }, (_none, index) => {
      const value = values.get(end - (count - index) * Period * 1000);
      return value === undefined ? undefined : breaches(value, alarm);
    });
  }
}

function breaches(value: number, { ComparisonOperator, Threshold = 0 }: MetricAlarm): boolean {
  if (ComparisonOperator === "GreaterThanThreshold") return value > Threshold;
  if (ComparisonOperator === "LessThanThreshold") return value < Threshold;
  throw new TypeError(`no test compares by ${ComparisonOperator}`);
}
