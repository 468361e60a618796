import type { Config } from "../config/load.ts";
import { observedOf } from "../engine/read.ts";
import { minuteText } from "../release/figures.ts";
import type { PlanWarning } from "../report/shown-plan.ts";
import { isUnconfirmed } from "../resources/watching/topic.ts";
import type { Reading } from "./reading.ts";

/** What `status` says of one alarm. */
interface AlarmNews {
  /** The alarm's name in AWS. */
  readonly name: string;
  readonly state: string;
  /** When the state began. */
  readonly since: string | undefined;
}

/** What is known of who watches the stack. Absent without `alarms`. */
export interface WatchingNews {
  /** Who is told. */
  readonly email: string;
  /** False as long as the mail that asks for it waits for its reader, or nobody has been asked. */
  readonly isConfirmed: boolean;
  readonly alarms: readonly AlarmNews[];
}

type Seen = Pick<Reading, "parts" | "observations">;

export function watchingNews(
  { alarms: wanted }: Pick<Config, "alarms">,
  seen: Seen,
): WatchingNews | undefined {
  if (wanted === undefined) return undefined;
  const { parts, observations } = seen;
  const topic = observedOf(parts.topic, observations);
  const isTold = topic?.subscriptions.some(({ arn }) => arn !== undefined) === true;
  return {
    email: wanted.email,
    isConfirmed: isTold && topic !== undefined && !isUnconfirmed(topic, wanted.email),
    alarms: parts.alarms.flatMap((part) => {
      const alarm = observedOf(part, observations);
      if (alarm === undefined) return [];
      return [{ name: alarm.id, state: alarm.state, since: alarm.since?.toISOString() }];
    }),
  };
}

/** One line that names all that isn't well, and one for a confirmation that is missing. */
export function alarmLines(news: WatchingNews | undefined, stack: string): string[] {
  if (news === undefined) return [];
  const { email, isConfirmed, alarms } = news;
  const short = (name: string) => name.replace(`berth-${stack}-`, "");
  const named = (state: string) => alarms.filter((one) => one.state === state);
  const started = named("ALARM").map(
    ({ name, since }) => `ALARM ${short(name)}${since === undefined ? "" : ` since ${minuteText(since)}`}`,
  );
  const ignorant = named("INSUFFICIENT_DATA").map(({ name }) => short(name));
  const parts = [
    ...started,
    ...(named("OK").length === 0 ? [] : [`${named("OK").length} of ${alarms.length} OK`]),
    ...(ignorant.length === 0 ? [] : [`not enough data for ${ignorant.join(", ")}`]),
  ];
  return [
    `alarms      ${parts.length === 0 ? "none yet" : parts.join("; ")}`,
    ...(isConfirmed ? [] : [`            ${unconfirmedText(email)}`]),
  ];
}

const unconfirmedText = (email: string): string =>
  `nobody is told: the mail of AWS to ${email} with the link that confirms the subscription waits`;

/** Without the confirmation, no alarm reaches anybody. */
export function findUnconfirmedWarning(config: Pick<Config, "alarms">, seen: Seen): PlanWarning | undefined {
  const topic = observedOf(seen.parts.topic, seen.observations);
  const { email } = config.alarms ?? {};
  if (topic === undefined || email === undefined || !isUnconfirmed(topic, email)) return undefined;
  return {
    code: "alarms-unconfirmed",
    message: unconfirmedText(email),
    hint: "look for the mail of AWS Notifications, also among spam, and follow its link; AWS forgets it after two days, and up asks again",
  };
}
