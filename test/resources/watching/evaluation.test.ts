import { PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import type { StateValue } from "@aws-sdk/client-cloudwatch";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alarm } from "../../../lib/resources/watching/alarm.ts";
import { alarmRules } from "../../../lib/resources/watching/alarm-rules.ts";
import { newIdentity, openAccount } from "../account.ts";
import { evaluateAlarms, type Evaluated, stateOf } from "./evaluation.ts";

const { ctx, stranger } = await openAccount();

/** The examples of CloudWatch's manual: X breaches, 0 doesn't, - is missing. In the order missing, ignore, breaching, notBreaching. */
const manual: readonly (readonly [points: string, needed: number, ...states: (StateValue | "before")[]])[] = [
  ["0-X-X", 3, "OK", "OK", "OK", "OK"],
  ["----0", 3, "OK", "OK", "OK", "OK"],
  ["-----", 3, "INSUFFICIENT_DATA", "before", "ALARM", "OK"],
  ["0XX-X", 3, "ALARM", "ALARM", "ALARM", "ALARM"],
  ["--X--", 3, "ALARM", "before", "ALARM", "OK"],
  ["0-X-X", 2, "ALARM", "ALARM", "ALARM", "ALARM"],
  ["00X0X", 2, "ALARM", "ALARM", "ALARM", "ALARM"],
  ["0-X--", 2, "OK", "OK", "ALARM", "OK"],
  ["----0", 2, "OK", "OK", "ALARM", "OK"],
  ["---X-", 2, "ALARM", "before", "ALARM", "OK"],
];

describe("the evaluation of alarms", () => {
  for (const [points, needed, ...states] of manual)
    it(`is CloudWatch's for ${points}, ${needed} of 3`, () => {
      const marks: Readonly<Record<string, boolean>> = { X: true, "0": false };
      const found = (["missing", "ignore", "breaching", "notBreaching"] as const).map((missing) => {
        const given: Omit<Evaluated, "before"> = {
          points: points.split("").map((one) => marks[one]),
          needed,
          of: 3,
          missing,
        };
        const [one, other] = [stateOf({ ...given, before: "OK" }), stateOf({ ...given, before: "ALARM" })];
        return one === other ? one : "before";
      });
      assert.deepEqual(found, states);
    });
});

/** A stack of its own, whose alarms are made as `up` makes them. */
async function watch(percents: { readonly failedTriesPercent?: number } = {}) {
  const { stack } = newIdentity("alarm");
  const alarms = { email: "ops@example.com", failedRequestsPercent: 5, failedTriesPercent: 20, ...percents };
  const https = { directory: "https://ca.example/directory", hstsSeconds: 300 };
  for (const { name, desired } of alarmRules({ stack, alarms, https, domain: [] }, "arn:aws:sns:::none")) {
    const tags = { "berth:stack": stack, "berth:resource": name, "berth:generation": "1" };
    await alarm.create(ctx, { stack, name, generation: 1, lineage: "a-lineage", tags }, desired);
  }
  const nowMs = Date.now();
  /** Sends the same for each of the last minutes. */
  const send = async (minutes: number, metrics: Readonly<Record<string, readonly [number, number][]>>) => {
    for (let ago = 1; ago <= minutes; ago += 1) {
      const MetricData = Object.entries(metrics).map(([MetricName, values]) => ({
        MetricName,
        Timestamp: new Date(Math.floor(nowMs / 60_000) * 60_000 - ago * 60_000),
        Values: values.map(([value]) => value),
        Counts: values.map(([, count]) => count),
      }));
      await stranger.cloudWatch.send(new PutMetricDataCommand({ Namespace: `Berth/${stack}`, MetricData }));
    }
  };
  const evaluate = async () => {
    const states = await evaluateAlarms(stranger, `berth-${stack}-`, nowMs);
    return Object.fromEntries(
      Object.entries(states).map(([name, state]) => [name.replace(`berth-${stack}-`, ""), state]),
    );
  };
  return { send, evaluate };
}

/** Values and how often each came; one that never came is left out, as CloudWatch refuses a count of 0. */
const share = (failed: number, all: number): [number, number][] =>
  (
    [
      [0, all - failed],
      [1, failed],
    ] as [number, number][]
  ).filter(([, count]) => count > 0);
const well = {
  FailedRequests: share(0, 100),
  FailedTries: share(10, 110),
  Serving: [[1, 1]] as [number, number][],
  DiskUsed: [[40, 1]] as [number, number][],
  CertificateDays: [[4, 1]] as [number, number][],
};
const allOk = {
  "failed-requests": "OK",
  "failed-tries": "OK",
  "not-serving": "OK",
  disk: "OK",
  certificate: "OK",
};

describe("the alarms as CloudWatch has them", () => {
  it("are all silent for the app that fails one try in ten, whose clients see none of it", async () => {
    const { send, evaluate } = await watch();
    await send(15, well);
    assert.deepEqual(await evaluate(), allOk);
  });

  it("tell of such an app where berth.yaml wants to know", async () => {
    const { send, evaluate } = await watch({ failedTriesPercent: 8 });
    await send(15, well);
    assert.deepEqual(await evaluate(), { ...allOk, "failed-tries": "ALARM" });
  });

  it("tell of an app that fails half of its requests after three minutes, and not after two", async () => {
    const bad = { ...well, FailedRequests: share(50, 100), FailedTries: share(60, 110) };
    const [two, three, long] = [await watch(), await watch(), await watch()];
    await two.send(2, bad);
    await three.send(3, bad);
    await long.send(10, bad);
    assert.equal((await two.evaluate())["failed-requests"], "OK");
    assert.deepEqual(await three.evaluate(), { ...allOk, "failed-requests": "ALARM" });
    assert.deepEqual(await long.evaluate(), {
      ...allOk,
      "failed-requests": "ALARM",
      "failed-tries": "ALARM",
    });
  });

  it("tell of a host that says nothing, and of nothing else", async () => {
    const { evaluate } = await watch();
    assert.deepEqual(await evaluate(), {
      ...allOk,
      "not-serving": "ALARM",
      certificate: "INSUFFICIENT_DATA",
    });
  });

  it("tell of a host that doesn't serve, and not while another one does", async () => {
    const [none, one] = [await watch(), await watch()];
    await none.send(3, { ...well, Serving: [[0, 1]] });
    await one.send(3, { ...well, Serving: share(1, 2) });
    assert.equal((await none.evaluate())["not-serving"], "ALARM");
    assert.equal((await one.evaluate())["not-serving"], "OK");
  });

  it("tell of a full disk, and of a certificate for an address that wasn't renewed", async () => {
    const { send, evaluate } = await watch();
    await send(5, { ...well, DiskUsed: [[86, 1]], CertificateDays: [[1, 1]] });
    assert.deepEqual(await evaluate(), { ...allOk, disk: "ALARM", certificate: "ALARM" });
  });
});
