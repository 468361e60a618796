import {
  CreateLogGroupCommand,
  DescribeLogGroupsCommand,
  DeleteRetentionPolicyCommand,
  PutRetentionPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { logGroupName } from "../../../lib/aws/names.ts";
import type { Observed } from "../../../lib/contract/resource.ts";
import { logGroup } from "../../../lib/resources/watching/log-group.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

const arnOf = ({ id }: Observed) => `arn:aws:logs:eu-central-1:123456789012:log-group:${id}`;

resourceSuite({
  account,
  resource: logGroup,
  prepare: async (identity) => ({ name: logGroupName(identity), days: 14 }),
  creation: ["CreateLogGroup"],
  tagger: {
    add: ({ logs }, observed, tags) =>
      logs.send(new TagResourceCommand({ resourceArn: arnOf(observed), tags: { ...tags } })),
    take: ({ logs }, observed, keys) =>
      logs.send(new UntagResourceCommand({ resourceArn: arnOf(observed), tagKeys: [...keys] })),
  },
  drifts: [
    {
      field: "days",
      act: ({ logs }, { id }) =>
        logs.send(new PutRetentionPolicyCommand({ logGroupName: id, retentionInDays: 1 })),
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "/berth/another" }) },
});

test("log group: one that keeps everything for ever is given its days back", async () => {
  const identity = newIdentity("log-group");
  const desired = { name: logGroupName(identity), days: 14 };
  const id = await logGroup.create(ctx, identity, desired);
  await stranger.logs.send(new DeleteRetentionPolicyCommand({ logGroupName: id }));
  const observed = (await logGroup.find(ctx, identity, id)) ?? assert.fail("not found");
  assert.deepEqual(
    logGroup.differences(identity, desired, observed).map(({ field }) => field),
    ["days"],
  );
});

test("log group: a group with a longer name, and one of nobody's, are left alone", async () => {
  const identity = newIdentity("log-group");
  const name = logGroupName(identity);
  const id = await logGroup.create(ctx, identity, { name, days: 14 });
  await stranger.logs.send(new CreateLogGroupCommand({ logGroupName: `${name}-more` }));
  await logGroup.remove(ctx, id);
  const { logGroups = [] } = await stranger.logs.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
  );
  assert.deepEqual(
    logGroups.map((one) => one.logGroupName),
    [`${name}-more`],
  );
});
