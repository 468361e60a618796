import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  ListTagsForResourceCommand,
  paginateListSubscriptionsByTopic,
  SetTopicAttributesCommand,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
} from "@aws-sdk/client-sns";
import { partition } from "@aws-sdk/core/client";
import { unlessAbsent } from "../../aws/errors.ts";
import { topicName } from "../../aws/names.ts";
import { fromTagList, toTagList } from "../../aws/tags.ts";
import { concerns, fieldDifference } from "../../contract/difference.ts";
import type { Change, Observed, ReadContext, Resource, WriteContext } from "../../contract/resource.ts";
import { identityDifferences, refuseStranger, toListed } from "../../toolkit/ownership.ts";
import { collect } from "../../toolkit/pages.ts";
import { removeUntilGone, unlessGone } from "../../toolkit/removal.ts";

export interface TopicDesired {
  /** Must be the name that `topicName` in lib/aws/names.ts derives, because `find` looks for that one. */
  readonly name: string;
  /** What mails name as their sender. It also marks the topic as Berth's. */
  readonly displayName: string;
  /** Who gets mails. */
  readonly email: string;
}

export interface ObservedTopic extends Observed {
  readonly displayName: string;
  /** Whoever gets mails, or is asked whether they want any. What goes elsewhere than to mail isn't Berth's. */
  readonly subscriptions: readonly Subscription[];
}

interface Subscription {
  readonly email: string;
  /** Absent until somebody follows the link in the first mail. */
  readonly arn: string | undefined;
}

const kind = "topic";
const mark = "Berth ";

/** The sender of a stack's mails, in at most 100 characters, which AWS takes. */
export const topicDisplayName = (stack: string): string => `${mark}${stack}`;

/** A topic has no id but its ARN, which its name makes. */
export const topicArn = (
  { region, account }: Pick<ReadContext, "region" | "account">,
  name: string,
): string => `arn:${partition(region).name}:sns:${region}:${account}:${name}`;

/**
 * Where a stack's alarms go. Without a key of KMS: CloudWatch may not use the one that AWS manages, and a key of one's own
 * costs more than all else here, for mails that leave AWS in plain text anyway.
 */
export const topic: Resource<TopicDesired, ObservedTopic> = {
  kind,

  async find(ctx, identity, known) {
    const found = await getTopic(ctx, topicName(identity));
    return (
      found && refuseStranger(identity, found, { kind, known, marked: found.displayName.startsWith(mark) })
    );
  },

  async create(ctx, { tags }, { name, displayName }) {
    const Attributes = { DisplayName: displayName };
    await ctx.clients.sns.send(new CreateTopicCommand({ Name: name, Attributes, Tags: toTagList(tags) }));
    return name;
  },

  attributes: ({ email }) => [{ field: "email", value: `${email}, who must confirm it by mail` }],

  differences: (identity, desired, observed) => [
    ...fieldDifference("name", {
      desired: desired.name,
      observed: observed.id,
      replace: "AWS can't rename a topic",
    }),
    ...fieldDifference("display-name", { desired: desired.displayName, observed: observed.displayName }),
    ...fieldDifference("email", { desired: desired.email, observed: emailsOf(desired, observed) }),
    ...identityDifferences(identity, observed),
  ],

  async update(ctx, change) {
    const { identity, desired, observed, differences } = change;
    const TopicArn = topicArn(ctx, observed.id);
    const { sns } = ctx.clients;
    if (concerns(differences, "display-name")) {
      const setting = { AttributeName: "DisplayName", AttributeValue: desired.displayName };
      await sns.send(new SetTopicAttributesCommand({ TopicArn, ...setting }));
    }
    if (concerns(differences, "email")) await changeEmail(ctx, change);
    if (concerns(differences, "tags"))
      await sns.send(new TagResourceCommand({ ResourceArn: TopicArn, Tags: toTagList(identity.tags) }));
  },

  // AWS removes its subscriptions with it, pending ones included.
  remove: (ctx, id) =>
    removeUntilGone(ctx, {
      what: `topic ${id}`,
      attempt: () => ctx.clients.sns.send(new DeleteTopicCommand({ TopicArn: topicArn(ctx, id) })),
      listed: async () => (await tagsOf(ctx, topicArn(ctx, id))) !== undefined,
    }),

  async list(ctx, stack) {
    const id = topicName({ stack, name: kind });
    const tags = await tagsOf(ctx, topicArn(ctx, id));
    return tags === undefined ? [] : toListed(kind, stack, [{ id, tags }]);
  },
};

/** Whether the mail that asks for a confirmation is still waiting for its reader. */
export const isUnconfirmed = ({ subscriptions }: ObservedTopic, email: string): boolean =>
  subscriptions.some((one) => isTo(email, one) && one.arn === undefined);

const isTo = (email: string, subscription: Subscription): boolean =>
  subscription.email.toLowerCase() === email.toLowerCase();

/**
 * The addresses as a difference shows them: equal to the desired one if nothing is to be done. Nobody can remove a
 * subscription that waits for its confirmation. AWS does it by itself after two days, so it is no difference.
 */
function emailsOf({ email }: TopicDesired, { subscriptions }: ObservedTopic): string | undefined {
  const isThere = subscriptions.some((one) => isTo(email, one));
  const others = subscriptions.filter((one) => !isTo(email, one) && one.arn !== undefined);
  const there = [...(isThere ? [email] : []), ...others.map((one) => one.email).toSorted()];
  return there.length === 0 ? undefined : there.join(", ");
}

async function changeEmail(ctx: WriteContext, change: Change<TopicDesired, ObservedTopic>): Promise<void> {
  const { sns } = ctx.clients;
  const { desired, observed } = change;
  const { email } = desired;
  const isThere = observed.subscriptions.some((one) => isTo(email, one));
  if (!isThere) {
    const TopicArn = topicArn(ctx, observed.id);
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "email", Endpoint: email }));
  }
  for (const { arn, email: other } of observed.subscriptions)
    if (arn !== undefined && other.toLowerCase() !== email.toLowerCase())
      await unlessGone(sns.send(new UnsubscribeCommand({ SubscriptionArn: arn })));
}

async function getTopic(ctx: ReadContext, name: string): Promise<ObservedTopic | undefined> {
  const TopicArn = topicArn(ctx, name);
  const { sns } = ctx.clients;
  const answer = await unlessAbsent(sns.send(new GetTopicAttributesCommand({ TopicArn })));
  if (answer === undefined) return undefined;
  const [tags, subscriptions] = await Promise.all([
    tagsOf(ctx, TopicArn),
    collect(
      paginateListSubscriptionsByTopic({ client: sns }, { TopicArn }),
      ({ Subscriptions = [] }) => Subscriptions,
    ),
  ]);
  if (tags === undefined) return undefined;
  return {
    id: name,
    tags,
    displayName: answer.Attributes?.["DisplayName"] ?? "",
    subscriptions: subscriptions
      .filter(({ Protocol }) => Protocol === "email")
      .map(({ Endpoint = "", SubscriptionArn = "" }) => ({
        email: Endpoint,
        // `PendingConfirmation`, and for a while `Deleted`, stand where an ARN would.
        arn: SubscriptionArn.startsWith("arn:") ? SubscriptionArn : undefined,
      })),
  };
}

/** Undefined if there is no such topic. */
async function tagsOf({ clients }: ReadContext, ResourceArn: string) {
  const answer = await unlessAbsent(clients.sns.send(new ListTagsForResourceCommand({ ResourceArn })));
  return answer && fromTagList(answer.Tags);
}
