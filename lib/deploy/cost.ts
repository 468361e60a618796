import type { Config } from "../config/load.ts";
import type { CostEstimate } from "../report/shown-plan.ts";
import { sendsMetrics } from "../config/metrics.ts";
import { alarmRules } from "../resources/watching/alarm-rules.ts";
import { addressHourly, findPrices, hourlyPrice, type Prices } from "./prices.ts";

const hoursAMonth = 730;

/**
 * How often a host at rest asks S3 whether something is wanted: its converger for the release and for HTTPS (`REST_S` in
 * both), its launcher for an agent (`POLL_S`).
 */
export const pollEverySeconds = { release: 6, https: 10, agent: 5 } as const;

type Watched = Pick<Config, "stack" | "domain" | "https" | "logs" | "metrics" | "alarms" | "dashboard">;

interface Priced extends Pick<Config, "region">, Watched {
  readonly instance: Config["instance"];
  readonly app: Pick<Config["app"], "volumes" | "secrets">;
}

/** Where AWS lists what isn't known here. */
const priceList = "https://aws.amazon.com/ec2/pricing/on-demand/";

/**
 * The stack's running cost at the list prices of its region: host, disks, public address, and the host's requests to S3.
 * What is stored and the traffic of a small app cost a few cents more. Where a price isn't known, there is no sum.
 */
export function estimateCost(config: Priced, isFreeTier: boolean): CostEstimate {
  const { region, instance, app } = config;
  const { type, diskGib, dataGib } = instance;
  const prices = findPrices(region);
  const address = addressHourly * hoursAMonth;
  if (prices === undefined) {
    // China has a list of its own, in yuan.
    const known = region.startsWith("cn-") ? "" : `; the address alone is $${address.toFixed(2)} a month`;
    return { text: `not known: Berth has no prices of ${region}${known}; ${priceList} lists them` };
  }
  const gib = diskGib + (Object.keys(app.volumes).length === 0 ? 0 : dataGib);
  const secrets = secretsCost(app.secrets);
  const watching = watchingCost(config);
  const others = {
    disk: prices.diskGib * gib,
    address,
    "S3 requests": pollingCost(prices),
    ...(secrets === 0 ? {} : { secrets }),
    ...(watching === 0 ? {} : { "CloudWatch (free tier)": watching }),
  };
  const gibOfLogs = config.logs === undefined ? "" : ", and logs by the GB";
  const hourly = hourlyPrice(type, prices);
  if (hourly === undefined) {
    return {
      text: `$${sum(others).toFixed(2)} a month and ${type}, whose price in ${region} Berth doesn't know: ${priceList} (${partsText(others)})${gibOfLogs}`,
    };
  }
  // The head of a plan leaves two rows of a terminal for it.
  const named = isFreeTier ? `${type} (free tier)` : type;
  const parts = { [named]: hourly * hoursAMonth, ...others };
  const monthlyUsd = Math.round(sum(parts) * 100) / 100;
  return {
    monthlyUsd,
    text: `about $${monthlyUsd.toFixed(2)} a month: ${partsText(parts)}${gibOfLogs}; ${region}'s list prices of ${prices.asOf}`,
  };
}

/** What the host's questions cost when nothing is ever wanted, in USD a month. */
function pollingCost({ s3Reads }: Prices): number {
  const aSecond = Object.values(pollEverySeconds).reduce((total, seconds) => total + 1 / seconds, 0);
  const requests = hoursAMonth * 3600 * aSecond;
  return (requests / 1000) * s3Reads;
}

/** Secrets Manager takes the same for each secret in every region outside China. SSM takes nothing for a standard parameter. */
const secretMonthly = 0.4;

function secretsCost(secrets: Config["app"]["secrets"]): number {
  const entries = new Set(Object.values(secrets).filter((source) => source.startsWith("secretsmanager:")));
  return entries.size * secretMonthly;
}

/** How many metrics a stack's hosts send. All hosts send the same ones. */
const sentMetrics = 8;

/** USD a month, for the first of each that an account has. The first 10 metrics, 10 alarms and 3 dashboards are free for ever. */
const metricMonthly = 0.3;
const alarmMonthly = 0.1;
const dashboardMonthly = 3;

function watchingCost(config: Watched): number {
  return (
    (sendsMetrics(config) ? sentMetrics * metricMonthly : 0) +
    alarmRules(config, "").length * alarmMonthly +
    (config.dashboard ? dashboardMonthly : 0)
  );
}

const sum = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((total, one) => total + one, 0);

const partsText = (parts: Readonly<Record<string, number>>): string =>
  Object.entries(parts)
    .map(([name, usd]) => `${name} ${usd.toFixed(2)}`)
    .join(", ");

/**
 * What a snapshot costs at most, in USD per month: AWS charges for what was written to the volume, not for its size.
 * Undefined where the price isn't known.
 */
export function snapshotCost(gib: number, region: string): number | undefined {
  const price = findPrices(region)?.snapshotGib;
  return price === undefined ? undefined : Math.round(price * gib * 100) / 100;
}
