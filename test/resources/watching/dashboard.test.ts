import { PutDashboardCommand, TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-cloudwatch";
import assert from "node:assert/strict";
import { test } from "node:test";
import { toTagList } from "../../../lib/aws/tags.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { dashboardBody } from "../../../lib/resources/watching/dashboard-body.ts";
import { dashboard } from "../../../lib/resources/watching/dashboard.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

const arnOf = ({ id }: { readonly id: string }) => `arn:aws:cloudwatch::123456789012:dashboard/${id}`;
const desiredOf = ({ stack }: Pick<Identity, "stack">) => ({
  name: `berth-${stack}-eu-central-1`,
  body: dashboardBody({ stack, region: "eu-central-1" }),
});
const put = (DashboardName: string, DashboardBody: string) =>
  stranger.cloudWatch.send(new PutDashboardCommand({ DashboardName, DashboardBody }));

resourceSuite({
  account,
  resource: dashboard,
  prepare: async (identity) => desiredOf(identity),
  creation: ["PutDashboard"],
  tagger: {
    add: ({ cloudWatch }, observed, tags) =>
      cloudWatch.send(new TagResourceCommand({ ResourceARN: arnOf(observed), Tags: toTagList(tags) })),
    take: ({ cloudWatch }, observed, keys) =>
      cloudWatch.send(new UntagResourceCommand({ ResourceARN: arnOf(observed), TagKeys: [...keys] })),
  },
  drifts: [{ field: "body", act: (_clients, { id }) => put(id, '{"widgets":[]}') }],
  replacements: { name: (desired) => ({ ...desired, name: "berth-another" }) },
});

test("dashboard: the same content in another order of keys and with other spaces is no difference", async () => {
  const identity = newIdentity("dashboard");
  const desired = desiredOf(identity);
  await dashboard.create(ctx, identity, desired);
  const { widgets = [], ...others }: { widgets?: object[] } = JSON.parse(JSON.stringify(desired.body));
  const turned = widgets.map((widget) => Object.fromEntries(Object.entries(widget).toReversed()));
  assert.notEqual(JSON.stringify(turned), JSON.stringify(widgets));
  await put(desired.name, JSON.stringify({ ...others, widgets: turned }, undefined, 2));
  const observed = (await dashboard.find(ctx, identity)) ?? assert.fail("not found");
  assert.deepEqual(dashboard.differences(identity, desired, observed), []);
});

test("dashboard: a stranger's of the same name is refused, recorded or not", async () => {
  const identity = newIdentity("dashboard");
  const { name } = desiredOf(identity);
  await put(name, '{"widgets":[]}');
  await assert.rejects(dashboard.find(ctx, identity), { code: "ForeignResource" });
  await assert.rejects(dashboard.find(ctx, identity, name), { code: "ForeignResource" });
  assert.deepEqual(await dashboard.list(ctx, identity.stack), []);
});

test("dashboard: every metric of the stack is on it, in its own namespace, and graphs don't cover each other", () => {
  const text = JSON.stringify(dashboardBody({ stack: "hello", region: "eu-west-1" }));
  const body: { widgets: { x: number; y: number; properties: { region: string; metrics: string[][] } }[] } =
    JSON.parse(text);
  const lines = body.widgets.flatMap(({ properties }) => properties.metrics);
  assert.deepEqual(new Set(lines.map(([namespace]) => namespace)), new Set(["Berth/hello"]));
  assert.deepEqual([...new Set(lines.map(([, metric = ""]) => metric))].toSorted(), [
    "CertificateDays",
    "DiskUsed",
    "FailedRequests",
    "FailedTries",
    "MemoryUsed",
    "ResponseTime",
    "Restarts",
    "Serving",
  ]);
  assert.ok(body.widgets.every(({ properties }) => properties.region === "eu-west-1"));
  assert.equal(new Set(body.widgets.map(({ x, y }) => `${x}/${y}`)).size, body.widgets.length);
});
