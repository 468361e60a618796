import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  ListSubscriptionsByTopicCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-sns";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clients } from "../../../lib/aws/clients.ts";
import { toTagList } from "../../../lib/aws/tags.ts";
import type { Identity } from "../../../lib/contract/resource.ts";
import { isUnconfirmed, topic, type TopicDesired } from "../../../lib/resources/watching/topic.ts";
import { resourceSuite } from "../../contracts/resource-suite.ts";
import { newIdentity, openAccount } from "../account.ts";

const account = await openAccount();
const { ctx, stranger } = account;

const arnOf = ({ id }: { readonly id: string }) => `arn:aws:sns:eu-central-1:123456789012:${id}`;
const email = "ops@example.com";
const desiredOf = ({ stack }: Pick<Identity, "stack">) => ({
  name: `berth-${stack}`,
  displayName: `Berth ${stack}`,
  email,
});

/** What the reader of a mail does. */
const confirm = (clients: Clients, id: string, address: string) =>
  clients.sns.send(new ConfirmSubscriptionCommand({ TopicArn: arnOf({ id }), Token: address }));

const subscribe = (clients: Clients, id: string, Endpoint: string, Protocol = "email") =>
  clients.sns.send(new SubscribeCommand({ TopicArn: arnOf({ id }), Protocol, Endpoint }));

async function subscriptionsOf(id: string) {
  const asked = new ListSubscriptionsByTopicCommand({ TopicArn: arnOf({ id }) });
  const { Subscriptions = [] } = await stranger.sns.send(asked);
  return Subscriptions.map(({ Endpoint = "", SubscriptionArn: arn = "" }) => ({ to: Endpoint, arn }));
}

resourceSuite({
  account,
  resource: topic,
  prepare: async (identity) => desiredOf(identity),
  creation: ["CreateTopic"],
  tagger: {
    add: ({ sns }, observed, tags) =>
      sns.send(new TagResourceCommand({ ResourceArn: arnOf(observed), Tags: toTagList(tags) })),
    take: ({ sns }, observed, keys) =>
      sns.send(new UntagResourceCommand({ ResourceArn: arnOf(observed), TagKeys: [...keys] })),
  },
  drifts: [
    {
      field: "display-name",
      act: ({ sns }, { id }) =>
        sns.send(
          new SetTopicAttributesCommand({
            TopicArn: arnOf({ id }),
            AttributeName: "DisplayName",
            AttributeValue: "Bank",
          }),
        ),
    },
    {
      field: "email",
      act: async (clients, { id }) => {
        await confirm(clients, id, email);
        const [mine] = await subscriptionsOf(id);
        await clients.sns.send(new UnsubscribeCommand({ SubscriptionArn: mine?.arn }));
      },
    },
    {
      field: "email",
      act: async (clients, { id }) => {
        await subscribe(clients, id, "former@example.com");
        await confirm(clients, id, "former@example.com");
      },
    },
  ],
  replacements: { name: (desired) => ({ ...desired, name: "berth-another" }) },
});

async function make(): Promise<{ identity: Identity; desired: TopicDesired; id: string }> {
  const identity = newIdentity("topic");
  const desired = desiredOf(identity);
  const id = await topic.create(ctx, identity, desired);
  await repair(identity, desired);
  return { identity, desired, id };
}

async function repair(identity: Identity, desired: TopicDesired): Promise<string[]> {
  const observed = (await topic.find(ctx, identity)) ?? assert.fail("not found");
  const differences = topic.differences(identity, desired, observed);
  await topic.update(ctx, { identity, desired, observed, differences });
  return differences.map((one) => `${one.field}: ${one.observed} -> ${one.desired}`);
}

test("topic: whoever hasn't confirmed is known as such, and asked once", async () => {
  const { identity, desired, id } = await make();
  const waiting = (await topic.find(ctx, identity)) ?? assert.fail("not found");
  assert.equal(isUnconfirmed(waiting, email), true);
  assert.deepEqual(await repair(identity, desired), []);

  await confirm(stranger, id, email);
  const confirmed = (await topic.find(ctx, identity)) ?? assert.fail("not found");
  assert.equal(isUnconfirmed(confirmed, email), false);
  assert.deepEqual(await repair(identity, { ...desired, email: "OPS@example.com" }), []);
});

test("topic: another address takes the place of one that was confirmed", async () => {
  const { identity, desired, id } = await make();
  await confirm(stranger, id, email);
  const changed = { ...desired, email: "new@example.com" };
  assert.deepEqual(await repair(identity, changed), ["email: ops@example.com -> new@example.com"]);
  assert.deepEqual(await subscriptionsOf(id), [{ to: "new@example.com", arn: "PendingConfirmation" }]);
  assert.deepEqual(await repair(identity, changed), []);
});

test("topic: one that still waits can't be removed, and is no difference until somebody confirms it", async () => {
  const { identity, desired, id } = await make();
  const changed = { ...desired, email: "new@example.com" };
  await repair(identity, changed);
  assert.deepEqual(await repair(identity, changed), []);

  await confirm(stranger, id, email);
  assert.deepEqual(await repair(identity, changed), [
    "email: new@example.com, ops@example.com -> new@example.com",
  ]);
  assert.deepEqual(
    (await subscriptionsOf(id)).map(({ to }) => to),
    ["new@example.com"],
  );
});

test("topic: what somebody sends elsewhere than to mail stays", async () => {
  const { identity, desired, id } = await make();
  await subscribe(stranger, id, "https://example.com/hook", "https");
  assert.deepEqual(await repair(identity, desired), []);
  assert.deepEqual((await subscriptionsOf(id)).map(({ to }) => to).toSorted(), [
    "https://example.com/hook",
    email,
  ]);
});

test("topic: a stranger's of the same name is refused, recorded or not", async () => {
  const identity = newIdentity("topic");
  const { name } = desiredOf(identity);
  await stranger.sns.send(new CreateTopicCommand({ Name: name }));
  await assert.rejects(topic.find(ctx, identity), { code: "ForeignResource" });
  await assert.rejects(topic.find(ctx, identity, name), { code: "ForeignResource" });
  assert.deepEqual(await topic.list(ctx, identity.stack), []);
});
