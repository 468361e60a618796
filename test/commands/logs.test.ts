import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { GetRolePolicyCommand } from "@aws-sdk/client-iam";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { openStrictStack, type StrictStack } from "./strict-stack.ts";
import { writeLines } from "./written-logs.ts";

const group = "/berth/logging";
/** Ages are counted from here, so that lines stand in the same order however long it takes to write them. */
let writtenMs = 0;

describe("the logs of a stack", () => {
  let opened: StrictStack;
  before(async () => {
    opened = await openStrictStack("logging");
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const clients = () => opened.clients();
  const run = (...command: Parameters<StrictStack["run"]>) => opened.run(...command);
  const shown = async (...more: string[]) =>
    (await run(0, "logs", ...more)).events.filter(({ event }) => event === "log");
  const texts = async (...more: string[]) => (await shown(...more)).map(({ text }) => text);
  const write = (stream: string, ...lines: (readonly [number, string])[]) =>
    writeLines(clients(), { group, stream, fromMs: writtenMs }, lines);

  it("are sent nowhere, and no call is made for them, unless berth.yaml says so", async () => {
    const { events } = await run(3, "logs");
    assert.equal(events.find(({ event }) => event === "error")?.["code"], "NoLogs");
    await run(2, "plan");
    assert.deepEqual(
      opened.aws.calls.filter(({ service }) => service === "logs"),
      [],
    );
  });

  it("have a group with the days that it keeps, which the host's role may write to and the release names", async () => {
    await opened.cli.configure({ logs: { days: 3 } });
    await run(0, "up", "--yes");
    await run(0, "plan");
    const { iam, logs, s3 } = clients();
    const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({}));
    assert.deepEqual(
      logGroups.map(({ logGroupName, retentionInDays }) => [logGroupName, retentionInDays]),
      [[group, 3]],
    );
    const role = { RoleName: "berth-logging-eu-central-1", PolicyName: "berth" };
    const { PolicyDocument = "" } = await iam.send(new GetRolePolicyCommand(role));
    const text = PolicyDocument.startsWith("%") ? decodeURIComponent(PolicyDocument) : PolicyDocument;
    const { Statement }: { Statement: { Action: string[] }[] } = JSON.parse(text);
    assert.deepEqual(
      Statement.filter(({ Action }) => Action.some((action) => action.startsWith("logs:"))),
      [
        {
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
          Resource: `arn:aws:logs:eu-central-1:123456789012:log-group:${group}:*`,
        },
      ],
    );
    const Bucket = "berth-logging-123456789012-eu-central-1";
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "release.json" }));
    const release: Record<string, unknown> = JSON.parse((await Body?.transformToString()) ?? "");
    assert.equal(release["logGroup"], group);
  });

  it("are shown merged by their time, of the app alone or the host, of one release, by text and by age", async () => {
    writtenMs = Date.now();
    await write("app/app-1-0/i-1", [50_000, "one"], [30_000, "three"]);
    await write("app/app-1-1/i-1", [3_000_000, "long ago"], [40_000, "two"]);
    await write("app/app-11-0/i-1", [20_000, '{"level":"error","at":4}']);
    await write("agent/i-1", [35_000, "berth: release 1 serves"]);
    await write("boot/i-1", [45_000, "cloud-init: done"]);
    await write("edge/i-1", [10_000, '{"path":"/a","status":500}']);

    assert.deepEqual(await texts(), ["one", "two", "three", '{"level":"error","at":4}']);
    assert.deepEqual(await texts("host"), ["cloud-init: done", "berth: release 1 serves"]);
    assert.deepEqual(await texts("edge"), ['{"path":"/a","status":500}']);
    assert.deepEqual(await texts("app", "--release", "1"), ["one", "two", "three"]);
    assert.deepEqual(await texts("--grep", "t"), ["two", "three", '{"level":"error","at":4}']);
    assert.deepEqual(await texts("--since", "1h", "--release", "1"), ["long ago", "one", "two", "three"]);
    assert.deepEqual(await texts("--grep", "nowhere"), []);
    const [last] = (await shown()).slice(-1);
    assert.deepEqual(
      [last?.["source"], last?.["host"], last?.["fields"]],
      ["app-11-0", "i-1", { level: "error", at: 4 }],
    );
  });

  for (const [args, text] of [
    [["web"], /logs of app, edge or host, not of "web"/],
    [["edge", "--release", "1"], /--release is for logs of the app/],
    [["--since", "10"], /--since takes a time such as 10m/],
    [["--release", "x"], /--release takes a number/],
  ] as const)
    it(`are refused for ${args.join(" ")}`, async () => {
      const { events } = await run(3, "logs", ...args);
      assert.match(String(events.find(({ event }) => event === "error")?.["message"]), text);
    });

  it("go with the stack, also when berth.yaml no longer has them", async () => {
    await opened.cli.configure();
    const down = await run(0, "down", "--yes");
    const census = down.events.find(({ event }) => event === "census");
    assert.equal(Object(census?.["counts"])["log-group"], 0);
    const { logGroups = [] } = await clients().logs.send(new DescribeLogGroupsCommand({}));
    assert.deepEqual(logGroups, []);
  });
});
