import {
  type ComparisonOperator,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  ListTagsForResourceCommand,
  type MetricAlarm,
  paginateDescribeAlarms,
  PutMetricAlarmCommand,
  type StateValue,
  type Statistic,
  TagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import { unlessAbsent } from "../../aws/errors.ts";
import { alarmName, alarmPrefix } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { fieldDifference, concerns } from "../../contract/difference.ts";
import type { Observed, ReadContext, Resource, WriteContext } from "../../contract/resource.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone } from "../../toolkit/removal.ts";

export interface AlarmDesired {
  /** Must be the name that `alarmName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly statistic: Statistic;
  readonly comparison: ComparisonOperator;
  readonly threshold: number;
  /** It takes so many of the last minutes to start the alarm. */
  readonly minutes: readonly [breaching: number, of: number];
  /** What a minute without a value counts as. */
  readonly missing: "breaching" | "notBreaching" | "ignore";
  /** Who is told when it starts, and when it ends. */
  readonly topicArn: string;
}

export interface ObservedAlarm extends Observed {
  readonly arn: string;
  readonly namespace: string | undefined;
  readonly fields: Fields;
  readonly state: StateValue;
  /** When the state began. */
  readonly since: Date | undefined;
}

/** A definition, field by field, as a difference shows it. */
type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

const kind = "alarm";

/** Watches one metric of a stack. One kind for all: what each watches is in alarm-rules.ts. */
export const alarm: Resource<AlarmDesired, ObservedAlarm> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getAlarm(ctx, alarmName(identity));
    const marked = found?.namespace?.startsWith("Berth/") === true;
    return found && refuseStranger(identity, found, { kind, known, marked });
  },

  async create(ctx, { tags }, desired) {
    await put(ctx, desired, { Tags: toTagList(tags) });
    return desired.name;
  },

  attributes: ({ description }) => [{ field: "", value: description }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename an alarm",
    }),
    ...Object.entries(fieldsOf(definitionOf(desired))).flatMap(([field, value]) =>
      fieldDifference(field, { desired: value, observed: observed.fields[field] }),
    ),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, { identity, desired, observed, differences }) {
    // AWS ignores tags where it changes an alarm.
    if (differences.some(({ field }) => !field.startsWith("tags."))) await put(ctx, desired, {});
    if (!concerns(differences, "tags")) return;
    const tags = { ResourceARN: observed.arn, Tags: toTagList(identity.tags) };
    await ctx.clients.cloudWatch.send(new TagResourceCommand(tags));
  },

  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `alarm ${id}`,
      attempt: () => ctx.clients.cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [id] })),
      listed: async () => (await describe(ctx, id)) !== undefined,
    }),

  async list(ctx, stack) {
    const named = { AlarmNamePrefix: alarmPrefix({ stack }) };
    const pages = paginateDescribeAlarms({ client: ctx.clients.cloudWatch }, named);
    const found = await collect(pages, ({ MetricAlarms = [] }) => MetricAlarms);
    return toListed(kind, stack, await Promise.all(found.map((one) => parse(ctx, one))));
  },
};

/** What AWS calls an alarm's parts, in a request and in an answer alike. */
type Definition = Pick<
  MetricAlarm,
  | "AlarmDescription"
  | "ActionsEnabled"
  | "AlarmActions"
  | "OKActions"
  | "InsufficientDataActions"
  | "Namespace"
  | "MetricName"
  | "Dimensions"
  | "Unit"
  | "Metrics"
  | "Statistic"
  | "ExtendedStatistic"
  | "ComparisonOperator"
  | "Threshold"
  | "Period"
  | "EvaluationPeriods"
  | "DatapointsToAlarm"
  | "TreatMissingData"
>;

const definitionOf = (desired: AlarmDesired) =>
  ({
    AlarmDescription: desired.description,
    ActionsEnabled: true,
    AlarmActions: [desired.topicArn],
    OKActions: [desired.topicArn],
    Namespace: desired.namespace,
    MetricName: desired.metric,
    Statistic: desired.statistic,
    ComparisonOperator: desired.comparison,
    Threshold: desired.threshold,
    Period: 60,
    DatapointsToAlarm: desired.minutes[0],
    EvaluationPeriods: desired.minutes[1],
    TreatMissingData: desired.missing,
  }) satisfies Definition;

function fieldsOf(one: Definition): Fields {
  const { Dimensions = [], Metrics = [] } = one;
  return {
    description: one.AlarmDescription,
    enabled: one.ActionsEnabled,
    "alarm-actions": listText(one.AlarmActions),
    "ok-actions": listText(one.OKActions),
    "insufficient-data-actions": listText(one.InsufficientDataActions),
    metric: `${one.Namespace ?? ""} ${one.MetricName ?? ""}`,
    dimensions: listText(Dimensions.map(({ Name, Value }) => `${Name}=${Value}`)),
    unit: one.Unit,
    expressions: Metrics.length,
    statistic: one.Statistic ?? one.ExtendedStatistic,
    comparison: one.ComparisonOperator,
    threshold: one.Threshold,
    "period-seconds": one.Period,
    minutes: `${one.DatapointsToAlarm ?? one.EvaluationPeriods} of ${one.EvaluationPeriods}`,
    missing: one.TreatMissingData ?? "missing",
  };
}

const listText = (values: readonly string[] = []): string | undefined =>
  values.length === 0 ? undefined : values.toSorted().join(", ");

const put = (ctx: WriteContext, desired: AlarmDesired, more: { Tags?: { Key: string; Value: string }[] }) =>
  ctx.clients.cloudWatch.send(
    new PutMetricAlarmCommand({ AlarmName: desired.name, ...definitionOf(desired), ...more }),
  );

async function getAlarm(ctx: ReadContext, name: string): Promise<ObservedAlarm | undefined> {
  const found = await describe(ctx, name);
  return found && parse(ctx, found);
}

async function describe({ clients }: ReadContext, name: string): Promise<MetricAlarm | undefined> {
  const asked = new DescribeAlarmsCommand({ AlarmNames: [name] });
  const { MetricAlarms = [] } = await clients.cloudWatch.send(asked);
  return MetricAlarms.find((one) => one.AlarmName === name);
}

/** CloudWatch's list of alarms doesn't include their tags. */
async function parse({ clients }: ReadContext, raw: MetricAlarm): Promise<ObservedAlarm> {
  const arn = raw.AlarmArn ?? "";
  const asked = new ListTagsForResourceCommand({ ResourceARN: arn });
  const answer = await unlessAbsent(clients.cloudWatch.send(asked));
  return {
    id: raw.AlarmName ?? "",
    arn,
    tags: fromTagList(answer?.Tags),
    namespace: raw.Namespace,
    fields: fieldsOf(raw),
    state: raw.StateValue ?? "INSUFFICIENT_DATA",
    since: raw.StateTransitionedTimestamp ?? raw.StateUpdatedTimestamp,
  };
}
