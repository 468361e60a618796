import { z } from "zod";
import { email } from "./email.ts";

const percent = z.int().min(1).max(99);

/** Where alarms go, and what share of failures they take. Absent: nothing watches the stack. */
export const alarms = z
  .strictObject({
    email,
    failedRequestsPercent: percent.default(5),
    failedTriesPercent: percent.default(20),
  })
  .optional();

interface Watching {
  readonly metrics: boolean;
  readonly alarms?: object | undefined;
  readonly dashboard: boolean;
}

/** Whether the hosts send metrics. Alarms and the dashboard show nothing without them. */
export const sendsMetrics = ({ metrics, alarms: watched, dashboard }: Watching): boolean =>
  metrics || watched !== undefined || dashboard;
