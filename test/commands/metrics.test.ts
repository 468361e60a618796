import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type MetricDatum, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { z } from "zod";
import { openStrictStack, type StrictStack } from "./strict-stack.ts";

const namespace = "Berth/measured";
const minutesAgoOf = (at: number, minutes: number) => new Date((Math.floor(at / 60_000) - minutes) * 60_000);
const numbers = z.array(z.number()).length(60);
const shape = z.strictObject({
  from: z.iso.datetime(),
  requests: numbers,
  failedRequests: numbers,
  tries: numbers,
  failedTries: numbers,
  seconds: z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number() }).optional(),
  memoryPercent: z.number().optional(),
  diskPercent: z.number().optional(),
  cpuCredits: z.number().optional(),
});

describe("the metrics of a stack", () => {
  let opened: StrictStack;
  before(async () => {
    opened = await openStrictStack("measured");
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const clients = () => opened.clients();
  const run = (...command: Parameters<StrictStack["run"]>) => opened.run(...command);
  const calls = () => opened.aws.calls.filter(({ service }) => service === "cloudwatch");
  const statusNow = async () => {
    const { events } = await run(0, "status");
    return events.find(({ event }) => event === "status") ?? assert.fail("no status");
  };
  const put = (Namespace: string, ...MetricData: MetricDatum[]) =>
    clients().cloudWatch.send(new PutMetricDataCommand({ Namespace, MetricData }));
  const released = async () => {
    const Bucket = "berth-measured-123456789012-eu-central-1";
    const { Body } = await clients().s3.send(new GetObjectCommand({ Bucket, Key: "release.json" }));
    const release: Record<string, unknown> = JSON.parse((await Body?.transformToString()) ?? "");
    return [release["number"], release["metrics"]];
  };
  const statements = async () => {
    const role = { RoleName: "berth-measured-eu-central-1", PolicyName: "berth" };
    const { PolicyDocument = "" } = await clients().iam.send(new GetRolePolicyCommand(role));
    const text = PolicyDocument.startsWith("%") ? decodeURIComponent(PolicyDocument) : PolicyDocument;
    const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(text);
    return Statement.filter(({ Action }) => Action.some((action) => action.startsWith("cloudwatch:")));
  };

  it("are sent nowhere, and no call is made for them, unless berth.yaml says so", async () => {
    await run(0, "up", "--yes");
    assert.equal((await statusNow())["metrics"], undefined);
    assert.deepEqual([await released(), await statements(), calls()], [[1, undefined], [], []]);
  });

  it("are switched on without a new release, for the stack's own namespace", async () => {
    await opened.cli.configure({ metrics: true });
    const planned = await run(2, "plan");
    assert.match(JSON.stringify(planned.events), /no replica is started anew/);
    await run(0, "up", "--yes");
    await run(0, "plan");
    assert.deepEqual(await released(), [1, namespace]);
    assert.deepEqual(await statements(), [
      {
        Effect: "Allow",
        Action: ["cloudwatch:PutMetricData"],
        Resource: "*",
        Condition: { StringEquals: { "cloudwatch:namespace": namespace } },
      },
    ]);
  });

  it("are shown by status as numbers of the last hour, by one call", async () => {
    const { memoryPercent, requests } = shape.parse((await statusNow())["metrics"]);
    assert.deepEqual([memoryPercent, new Set(requests)], [undefined, new Set([0])]);

    const { hosts } = z.object({ hosts: z.array(z.string()) }).parse(await statusNow());
    const at = Date.now();
    const counted = (MetricName: string, Values: number[], Counts: number[], minutes: number) => ({
      MetricName,
      Values,
      Counts,
      Timestamp: minutesAgoOf(at, minutes),
    });
    await put(
      namespace,
      counted("FailedRequests", [0, 1], [97, 3], 2),
      counted("FailedRequests", [0], [50], 60),
      counted("FailedRequests", [1], [9], 61),
      counted("FailedTries", [0, 1], [97, 13], 2),
      counted("ResponseTime", [0.01, 0.2, 3], [60, 38, 2], 2),
      { MetricName: "MemoryUsed", Value: 40, Timestamp: minutesAgoOf(at, 2) },
      { MetricName: "MemoryUsed", Value: 60, Timestamp: minutesAgoOf(at, 1) },
      { MetricName: "DiskUsed", Value: 23, Timestamp: minutesAgoOf(at, 1) },
    );
    // As EC2 itself does, every five minutes.
    const Dimensions = [{ Name: "InstanceId", Value: hosts[0] }];
    await put("AWS/EC2", {
      MetricName: "CPUCreditBalance",
      Dimensions,
      Value: 144,
      Timestamp: minutesAgoOf(at, 7),
    });
    await put("Berth/other", counted("FailedRequests", [1], [999], 2));

    const earlier = calls().length;
    const {
      from,
      requests: asked,
      failedRequests,
      tries,
      failedTries,
      ...rest
    } = shape.parse((await statusNow())["metrics"]);
    assert.deepEqual(
      calls()
        .slice(earlier)
        .map(({ operation }) => operation),
      ["GetMetricData"],
    );
    const sum = (series: readonly number[]) => series.reduce((total, one) => total + one, 0);
    // A minute may have ended since, and the oldest requests with it.
    const isLater = Date.parse(from) > minutesAgoOf(at, 60).getTime();
    assert.deepEqual([sum(asked), asked[isLater ? 57 : 58]], [isLater ? 100 : 150, 100]);
    assert.deepEqual([sum(failedRequests), sum(tries), sum(failedTries)], [3, 110, 13]);
    assert.deepEqual(rest, {
      seconds: { p50: 0.01, p90: 0.2, p99: 3 },
      memoryPercent: 60,
      diskPercent: 23,
      cpuCredits: 144,
    });
  });

  it("outlive a rollback, and go without a new release", async () => {
    await opened.cli.configure({ metrics: true, edge: { bodyMib: 20 } });
    await run(0, "up", "--yes");
    assert.deepEqual(await released(), [2, namespace]);
    await run(0, "rollback", "--yes");
    assert.deepEqual(await released(), [3, namespace]);
    await opened.cli.configure({});
    await run(0, "up", "--yes");
    assert.deepEqual([await released(), await statements()], [[3, undefined], []]);
  });
});
