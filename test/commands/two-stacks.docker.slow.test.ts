import {
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { DeleteObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clients } from "../../lib/aws/clients.ts";
import { fromRoot } from "../../lib/paths.ts";
import { photograph, writeSourceFolder } from "../docker/source-folder.ts";
import { until } from "../local/temporary-aws.ts";
import { brokenApp, deafApp, greetingApp } from "./apps.ts";
import { type Finished, requireExit, writesOf } from "./command-line.ts";
import { countAnswers, openHome, region, Stack } from "./stack.ts";

const ownApp = fromRoot("dockerfiles/go-web");

test("two stacks side by side, through drift, releases and mistakes", async (t) => {
  await using home = await openHome();
  const left = new Stack(home, "left");
  const right = new Stack(home, "right");
  await left.configure({ source: ownApp });
  await right.configure({ source: ownApp, lines: ["  replicas: 1"] });
  let url = "";

  await t.test(
    "up ends with a URL at which an app that fails one request in ten hardly ever does",
    async () => {
      const [first, second] = await Promise.all([left.up(), interruptOnce(right)]);

      requireExit(first, 0);
      requireExit(second, 0);
      url = String(first.summary["url"]);
      assert.notEqual(second.summary["url"], url);
      assert.deepEqual(await countAnswers(url, 200), { 200: 200 });
      assert.deepEqual(await countAnswers(String(second.summary["url"]), 20), { 200: 20 });
    },
  );

  await t.test(
    "what is taken away behind its back is named by plan and repaired by up, at the same URL",
    async () => {
      const aws = await home.clients();
      await revokeIngress(aws, "left");
      await terminateInstances(aws, "left");

      const plan = await left.plan();
      const up = await left.up();

      requireExit(plan, 2);
      assert.equal(writesOf(plan), 0);
      assert.deepEqual(stepsOf(plan), {
        "security-group": "update",
        instance: "create",
        release: "update",
        address: "update",
      });
      requireExit(up, 0);
      assert.equal(up.summary["url"], url);
      assert.deepEqual(await countAnswers(url, 20), { 200: 20 });
    },
  );

  await t.test("another source folder is deployed by one line, and never written to", async () => {
    await using source = await writeSourceFolder(greetingApp("hello from elsewhere"));
    const before = await photograph(source.path);
    await left.configure({ source: source.path });

    requireExit(await left.up(), 0);

    assert.equal(await (await fetch(url)).text(), "hello from elsewhere");
    assert.deepEqual(await photograph(source.path), before);
  });

  await t.test("a build that fails shows the compiler's words and touches nothing", async () => {
    await using source = await writeSourceFolder(brokenApp);
    await left.configure({ source: source.path });

    const run = await left.up();

    requireExit(run, 1);
    assert.equal(errorOf(run)["code"], "BuildFailed");
    assert.match(JSON.stringify(errorOf(run)["detail"]), /main\.go:\d+:\d+: /);
    assert.equal(writesOf(run), 0);
    assert.equal(await (await fetch(url)).text(), "hello from elsewhere");
  });

  await t.test(
    "a release that never answers is refused with its log; the old one goes on serving",
    async () => {
      await using source = await writeSourceFolder(deafApp);
      await left.configure({ source: source.path, lines: ["  startSeconds: 15"] });

      const run = await left.up();

      requireExit(run, 5);
      assert.equal(errorOf(run)["code"], "ReleaseUnhealthy");
      assert.match(JSON.stringify(errorOf(run)["detail"]), /listening on the wrong port/);
      assert.equal(await (await fetch(url)).text(), "hello from elsewhere");
    },
  );

  await t.test("down of one leaves the other alone, and works from tags alone", async () => {
    const aws = await home.clients();
    await aws.s3.send(
      new DeleteObjectCommand({ Bucket: `berth-left-123456789012-${region}`, Key: "state.json" }),
    );

    const run = await left.down();

    requireExit(run, 0);
    assert.deepEqual(run.summary["left"], []);
    const other = await right.plan();
    requireExit(other, 0);
    const status = await right.status();
    assert.deepEqual(await countAnswers(String(status.summary["url"]), 20), { 200: 20 });
  });

  await t.test("down of the last leaves nothing in AWS, and no embedded AWS either", async () => {
    const aws = await home.clients();
    const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand({}));
    assert.deepEqual(
      Buckets.map(({ Name }) => Name),
      [`berth-right-123456789012-${region}`],
    );

    const run = await right.down();
    const again = await right.down();

    requireExit(run, 0);
    assert.deepEqual(run.summary["left"], []);
    requireExit(again, 0);
    assert.equal(again.summary["outcome"], "unchanged");
    await until(async () => (await home.supervisor()) === undefined);
  });
});

/** Ctrl-C while the host boots, and then the same command again. */
async function interruptOnce(stack: Stack): Promise<Finished> {
  const stopped = await stack.up({
    onEvent: ({ event, name }, kill) => {
      if (event === "begin" && name === "release") kill("SIGINT");
    },
  });
  requireExit(stopped, 130);
  assert.equal(stopped.summary["outcome"], "interrupted");
  const again = await stack.up();
  const names = Object.keys(stepsOf(again));
  assert.deepEqual(names, ["release", "address", "https"], "what was made before is not made again");
  return again;
}

function errorOf({ events }: Finished): Record<string, unknown> {
  return events.find(({ event }) => event === "error") ?? {};
}

function stepsOf({ events }: Finished): Record<string, unknown> {
  const steps = events.find(({ event }) => event === "plan")?.["steps"];
  assert.ok(Array.isArray(steps));
  return Object.fromEntries(steps.map((step: Record<string, unknown>) => [step["name"], step["action"]]));
}

const ofStack = (stack: string) => [{ Name: "tag:berth:stack", Values: [stack] }];

async function revokeIngress({ ec2 }: Clients, stack: string): Promise<void> {
  const { SecurityGroups = [] } = await ec2.send(
    new DescribeSecurityGroupsCommand({ Filters: ofStack(stack) }),
  );
  for (const { GroupId, IpPermissions } of SecurityGroups) {
    await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  }
}

async function terminateInstances({ ec2 }: Clients, stack: string): Promise<void> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters: ofStack(stack) }));
  const InstanceIds = Reservations.flatMap(({ Instances = [] }) =>
    Instances.flatMap(({ InstanceId }) => InstanceId ?? []),
  );
  await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
}
