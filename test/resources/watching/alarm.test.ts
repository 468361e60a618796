import {
  DisableAlarmActionsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clients } from "../../../lib/aws/clients.ts";
import { toTagList } from "../../../lib/aws/tags.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { alarm, type AlarmDesired, type ObservedAlarm } from "../../../lib/resources/watching/alarm.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

const arnOf = ({ id }: { readonly id: string }) => `arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${id}`;
const topicArn = "arn:aws:sns:eu-central-1:123456789012:berth-hello";

const desiredOf = ({ stack }: Pick<Identity, "stack">): AlarmDesired => ({
  name: `berth-${stack}`,
  description: "no host serves",
  namespace: `Berth/${stack}`,
  metric: "Serving",
  statistic: "Maximum",
  comparison: "LessThanThreshold",
  threshold: 1,
  minutes: [3, 3],
  missing: "breaching",
  topicArn,
});

/** Somebody's change of one part. */
const put = (
  { cloudWatch }: Clients,
  { id }: { readonly id: string },
  changes: object,
  desired: AlarmDesired,
) =>
  cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName: id,
      AlarmDescription: desired.description,
      AlarmActions: [topicArn],
      OKActions: [topicArn],
      Namespace: desired.namespace,
      MetricName: "Serving",
      Statistic: "Maximum",
      ComparisonOperator: "LessThanThreshold",
      Threshold: 1,
      Period: 60,
      DatapointsToAlarm: 3,
      EvaluationPeriods: 3,
      TreatMissingData: "breaching",
      ...changes,
    }),
  );

const drifted = (field: string, changes: object) => ({
  field,
  act: (clients: Clients, observed: ObservedAlarm, desired: AlarmDesired) =>
    put(clients, observed, changes, desired),
});

resourceSuite({
  account,
  resource: alarm,
  prepare: async (identity) => desiredOf(identity),
  creation: ["PutMetricAlarm"],
  tagger: {
    add: ({ cloudWatch }, observed, tags) =>
      cloudWatch.send(new TagResourceCommand({ ResourceARN: arnOf(observed), Tags: toTagList(tags) })),
    take: ({ cloudWatch }, observed, keys) =>
      cloudWatch.send(new UntagResourceCommand({ ResourceARN: arnOf(observed), TagKeys: [...keys] })),
  },
  drifts: [
    drifted("description", { AlarmDescription: "changed" }),
    drifted("alarm-actions", { AlarmActions: [] }),
    drifted("ok-actions", { OKActions: ["arn:aws:sns:eu-central-1:123456789012:other"] }),
    drifted("insufficient-data-actions", { InsufficientDataActions: [topicArn] }),
    drifted("metric", { MetricName: "Restarts" }),
    drifted("dimensions", { Dimensions: [{ Name: "Host", Value: "i-1" }] }),
    drifted("unit", { Unit: "Count" }),
    drifted("statistic", { Statistic: "Minimum" }),
    drifted("comparison", { ComparisonOperator: "LessThanOrEqualToThreshold" }),
    drifted("threshold", { Threshold: 0 }),
    drifted("period-seconds", { Period: 300 }),
    drifted("minutes", { DatapointsToAlarm: 1 }),
    drifted("missing", { TreatMissingData: "notBreaching" }),
    {
      field: "enabled",
      act: ({ cloudWatch }, { id }) => cloudWatch.send(new DisableAlarmActionsCommand({ AlarmNames: [id] })),
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "berth-another" }) },
});

test("alarm: its state is no difference", async () => {
  const identity = newIdentity("alarm");
  const desired = desiredOf(identity);
  const id = await alarm.create(ctx, identity, desired);
  await stranger.cloudWatch.send(
    new SetAlarmStateCommand({ AlarmName: id, StateValue: "ALARM", StateReason: "a test" }),
  );
  const observed = (await alarm.find(ctx, identity)) ?? assert.fail("not found");
  assert.deepEqual(alarm.differences(identity, desired, observed), []);
  assert.equal(observed.state, "ALARM");
});

test("alarm: a stranger's of the same name is refused, recorded or not, and one with a longer name isn't listed", async () => {
  const identity = newIdentity("alarm");
  const { name } = desiredOf(identity);
  const others = { ...desiredOf(identity), namespace: "Theirs" };
  await put(stranger, { id: name }, {}, others);
  await put(stranger, { id: `${name}-b-disk` }, {}, others);
  await assert.rejects(alarm.find(ctx, identity), { code: "ForeignResource" });
  await assert.rejects(alarm.find(ctx, identity, name), { code: "ForeignResource" });
  assert.deepEqual(await alarm.list(ctx, identity.stack), []);
});
