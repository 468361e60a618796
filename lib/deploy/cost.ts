import type { Config } from "../config/load.ts";

const hoursAMonth = 730;
const addressHourly = 0.005;
const diskGibMonthly = 0.08;

/** On-demand Linux prices in us-east-1, in USD per hour, as listed in October 2026. Other regions differ by some percent. */
const instanceHourly: Readonly<Record<string, number>> = {
  "t3.nano": 0.0052,
  "t3.micro": 0.0104,
  "t3.small": 0.0208,
  "t3.medium": 0.0416,
  "t3.large": 0.0832,
  "t3a.nano": 0.0047,
  "t3a.micro": 0.0094,
  "t3a.small": 0.0188,
  "t3a.medium": 0.0376,
};

export interface Cost {
  /** USD per month of 730 hours; undefined for an instance type whose price isn't listed here. */
  readonly monthlyUsd: number | undefined;
  readonly text: string;
}

interface Priced {
  readonly instance: Config["instance"];
  readonly app: Pick<Config["app"], "volumes">;
}

const snapshotGibMonthly = 0.05;

/** What a snapshot costs at most, in USD per month: AWS charges for what was written to the volume, not for its size. */
export const snapshotCost = (gib: number): number => Math.round(snapshotGibMonthly * gib * 100) / 100;

/** The stack's running cost: host, disks and public address. Storage and traffic of a small app cost a few cents. */
export function estimateCost({ instance, app }: Priced, isFreeTier: boolean): Cost {
  const hourly = instanceHourly[instance.type];
  const dataGib = Object.keys(app.volumes).length === 0 ? 0 : instance.dataGib;
  const fixed = addressHourly * hoursAMonth + diskGibMonthly * (instance.diskGib + dataGib);
  const free = isFreeTier ? `; ${instance.type} is eligible for AWS's free tier` : "";
  if (hourly === undefined) {
    return {
      monthlyUsd: undefined,
      text: `$${fixed.toFixed(2)} a month and what ${instance.type} costs${free}`,
    };
  }
  const monthlyUsd = Math.round((fixed + hourly * hoursAMonth) * 100) / 100;
  return { monthlyUsd, text: `about $${monthlyUsd.toFixed(2)} a month at list price${free}` };
}
