import { alarmName, metricsNamespace } from "../../aws/names.ts";
import type { Config } from "../../config/load.ts";
import type { AlarmDesired } from "./alarm.ts";

interface AlarmRule {
  /** The logical name: `alarm-disk`. */
  readonly name: string;
  readonly desired: AlarmDesired;
}

type Watched = Pick<Config, "stack" | "alarms" | "https" | "domain">;

/**
 * What is watched, and from when on somebody is told. Each alarm watches one plain metric: metric math would count as one alarm
 * for each metric in it.
 */
export function alarmRules({ stack, alarms, https, domain }: Watched, topicArn: string): AlarmRule[] {
  if (alarms === undefined) return [];
  const { failedRequestsPercent, failedTriesPercent } = alarms;
  const rule = (
    name: string,
    about: Omit<AlarmDesired, "name" | "namespace" | "topicArn" | "description">,
    description: string,
  ): AlarmRule => ({
    name: `alarm-${name}`,
    desired: {
      ...about,
      name: alarmName({ stack, name: `alarm-${name}` }),
      description: `${description}; see Alarms in Berth's RUNBOOK`,
      namespace: metricsNamespace({ stack }),
      topicArn,
    },
  });
  return [
    rule(
      "failed-requests",
      {
        metric: "FailedRequests",
        statistic: "Average",
        comparison: "GreaterThanThreshold",
        threshold: failedRequestsPercent / 100,
        minutes: [3, 5],
        // Nobody asked for anything in that minute.
        missing: "notBreaching",
      },
      `more than ${failedRequestsPercent} % of the clients' requests fail, in 3 of 5 minutes`,
    ),
    rule(
      "failed-tries",
      {
        metric: "FailedTries",
        statistic: "Average",
        comparison: "GreaterThanThreshold",
        threshold: failedTriesPercent / 100,
        // Clients don't see these, so there is time to tell a trend from chance.
        minutes: [10, 15],
        missing: "notBreaching",
      },
      `more than ${failedTriesPercent} % of the tries at a replica fail, in 10 of 15 minutes`,
    ),
    rule(
      "not-serving",
      {
        metric: "Serving",
        // While a host is replaced, the other one serves.
        statistic: "Maximum",
        comparison: "LessThanThreshold",
        threshold: 1,
        minutes: [3, 3],
        // A host that is gone says nothing.
        missing: "breaching",
      },
      "no host serves, or none has said anything, for 3 minutes",
    ),
    rule(
      "disk",
      {
        metric: "DiskUsed",
        statistic: "Maximum",
        comparison: "GreaterThanThreshold",
        threshold: 85,
        minutes: [5, 5],
        missing: "notBreaching",
      },
      "a host's disk is more than 85 % full, for 5 minutes",
    ),
    ...(https === "off" ? [] : [certificateRule()]),
  ];

  function certificateRule(): AlarmRule {
    // A certificate for an address lives for 6.7 days and is renewed when 2.2 are left at the latest; one for a domain when
    // 30 are left.
    const days = domain.length === 0 ? 2 : 14;
    return rule(
      "certificate",
      {
        metric: "CertificateDays",
        statistic: "Minimum",
        comparison: "LessThanThreshold",
        threshold: days,
        minutes: [5, 5],
        missing: "ignore",
      },
      `the certificate expires in less than ${days} days, and should have been renewed`,
    );
  }
}
