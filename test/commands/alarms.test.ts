import { DescribeAlarmsCommand, ListDashboardsCommand } from "@aws-sdk/client-cloudwatch";
import {
  ConfirmSubscriptionCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
} from "@aws-sdk/client-sns";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { evaluateAlarms } from "../resources/watching/evaluation.ts";
import { openStrictStack, type StrictStack } from "./strict-stack.ts";

const TopicArn = "arn:aws:sns:eu-central-1:123456789012:berth-watched";
const email = "ops@example.com";

describe("a stack that is watched", () => {
  let opened: StrictStack;
  before(async () => {
    opened = await openStrictStack("watched");
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const clients = () => opened.clients();
  const run = (...command: Parameters<StrictStack["run"]>) => opened.run(...command);
  const callsOf = (service: string, from = 0) =>
    opened.aws.calls.slice(from).filter((one) => one.service === service);
  const there = async () => {
    const { cloudWatch, sns } = clients();
    const [{ MetricAlarms = [] }, { DashboardEntries = [] }, { Topics = [] }] = await Promise.all([
      cloudWatch.send(new DescribeAlarmsCommand({})),
      cloudWatch.send(new ListDashboardsCommand({})),
      sns.send(new ListTopicsCommand({})),
    ]);
    return [
      ...MetricAlarms.map(({ AlarmName = "" }) => AlarmName),
      ...DashboardEntries.map(({ DashboardName = "" }) => DashboardName),
      ...Topics.map((one) => one.TopicArn ?? ""),
    ].toSorted();
  };
  const told = async () => {
    const { Subscriptions = [] } = await clients().sns.send(
      new ListSubscriptionsByTopicCommand({ TopicArn }),
    );
    return Subscriptions.map((one) => one.Endpoint);
  };
  const watching = async () => {
    const { events } = await run(0, "status");
    const status = events.find(({ event }) => event === "status");
    return Object(Object(status)["watching"]);
  };
  const texts = (ended: Awaited<ReturnType<StrictStack["run"]>>) => JSON.stringify(ended.events);

  it("makes no call for that unless berth.yaml says so", async () => {
    await run(0, "up", "--yes");
    await run(0, "status");
    assert.deepEqual([...callsOf("cloudwatch"), ...callsOf("sns")], []);
    assert.deepEqual(await there(), []);
  });

  it("has five alarms, a topic and a dashboard, and says at every look who must confirm", async () => {
    await opened.cli.configure({ alarms: { email }, dashboard: true });
    const plan = texts(await run(2, "plan"));
    assert.match(plan, /ops@example\.com, who must confirm it by mail/);
    assert.match(plan, /no host serves, or none has said anything, for 3 minutes/);

    const up = texts(await run(0, "up", "--yes"));
    assert.match(up, /nobody is told: the mail of AWS to ops@example\.com/);
    assert.deepEqual(await there(), [
      TopicArn,
      "berth-watched-certificate",
      "berth-watched-disk",
      "berth-watched-eu-central-1",
      "berth-watched-failed-requests",
      "berth-watched-failed-tries",
      "berth-watched-not-serving",
    ]);
    assert.match(texts(await run(0, "plan")), /"code":"alarms-unconfirmed"/);
  });

  it("says the states that CloudWatch gives the alarms", async () => {
    const states = (news: { alarms: { name: string; state: string }[] }) =>
      Object.fromEntries(news.alarms.map(({ name, state }) => [name.replace("berth-watched-", ""), state]));
    const of = (state: string, notServing: string, certificate = state) => ({
      "failed-requests": state,
      "failed-tries": state,
      "not-serving": notServing,
      disk: state,
      certificate,
    });
    assert.deepEqual(states(await watching()), of("INSUFFICIENT_DATA", "INSUFFICIENT_DATA"));
    // The stand-in for the host sends nothing.
    await evaluateAlarms(clients(), "berth-watched-", Date.now());
    assert.deepEqual(states(await watching()), of("OK", "ALARM", "INSUFFICIENT_DATA"));
  });

  it("knows a confirmation, and asks another address in its place", async () => {
    await clients().sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token: email }));
    assert.doesNotMatch(texts(await run(0, "plan")), /alarms-unconfirmed/);
    assert.equal((await watching()).isConfirmed, true);

    await opened.cli.configure({ alarms: { email: "new@example.com" }, dashboard: true });
    await run(0, "up", "--yes");
    assert.deepEqual(await told(), ["new@example.com"]);
    assert.equal((await watching()).isConfirmed, false);
  });

  it("loses with a setting what the setting made, and keeps the rest", async () => {
    await opened.cli.configure({ alarms: { email: "new@example.com" }, https: "off" });
    const plan = await run(2, "plan");
    const superseded = plan.events.find(({ event }) => event === "plan")?.["superseded"];
    assert.match(JSON.stringify(superseded), /berth-watched-certificate/);
    await run(0, "up", "--yes");
    assert.deepEqual(await there(), [
      TopicArn,
      "berth-watched-disk",
      "berth-watched-failed-requests",
      "berth-watched-failed-tries",
      "berth-watched-not-serving",
    ]);

    await opened.cli.configure();
    await run(0, "up", "--yes");
    assert.deepEqual(await there(), []);
    const from = opened.aws.calls.length;
    await run(0, "plan");
    assert.deepEqual([...callsOf("cloudwatch", from), ...callsOf("sns", from)], []);
  });

  it("is gone after down, from a configuration that no longer asks for it, and counted by the census", async () => {
    await opened.cli.configure({ alarms: { email }, dashboard: true });
    await run(0, "up", "--yes");
    await opened.cli.configure();
    const { events } = await run(0, "down", "--yes");
    assert.deepEqual(await there(), []);
    const counts: Record<string, number> = Object(events.find(({ event }) => event === "census"))["counts"];
    assert.deepEqual([counts["alarm"], counts["topic"], counts["dashboard"]], [0, 0, 0]);
  });

  it("takes down three calls for each of its four looks at the stack, where nothing of that is there", async () => {
    await run(0, "up", "--yes");
    const from = opened.aws.calls.length;
    await run(0, "down", "--yes");
    assert.equal(callsOf("cloudwatch", from).length + callsOf("sns", from).length, 12);
  });
});
