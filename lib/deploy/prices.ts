/** On-demand list prices of one region in USD, without taxes, for Linux. */
export interface Prices {
  /** Whose time these are from: compare with https://aws.amazon.com/ec2/pricing/on-demand/ */
  readonly asOf: string;
  /** A t3.micro per hour. AWS doubles a family's price with each size. */
  readonly t3Micro: number;
  readonly t3aMicro?: number;
  readonly m5Large?: number;
  /** A GiB of a gp3 volume per month. */
  readonly diskGib: number;
  /** A GiB of a snapshot per month. */
  readonly snapshotGib?: number;
  /** A thousand GET requests to S3. */
  readonly s3Reads: number;
}

const october2026 = "October 2026";
const year2025 = "2025";

const unitedStates = { t3Micro: 0.0104, t3aMicro: 0.0094, m5Large: 0.096, diskGib: 0.08, snapshotGib: 0.05 };

/**
 * Written from what is known of AWS's list, not read from it: no program here can reach it. docs/configuration.md says which
 * of these were checked, and by what. A region that isn't here has no estimate. Change a row only together with its date.
 */
const byRegion: ReadonlyMap<string, Prices> = new Map(
  Object.entries<Prices>({
    "us-east-1": { asOf: october2026, ...unitedStates, s3Reads: 0.0004 },
    "us-east-2": { asOf: year2025, ...unitedStates, s3Reads: 0.0004 },
    "us-west-2": { asOf: year2025, ...unitedStates, s3Reads: 0.0004 },
    "us-west-1": { asOf: year2025, t3Micro: 0.0124, diskGib: 0.096, snapshotGib: 0.055, s3Reads: 0.00044 },
    "ca-central-1": { asOf: year2025, t3Micro: 0.0116, diskGib: 0.088, snapshotGib: 0.055, s3Reads: 0.00044 },
    "eu-central-1": {
      asOf: year2025,
      t3Micro: 0.012,
      t3aMicro: 0.0108,
      m5Large: 0.115,
      diskGib: 0.0952,
      snapshotGib: 0.054,
      s3Reads: 0.00043,
    },
    "eu-west-1": {
      asOf: year2025,
      t3Micro: 0.0114,
      t3aMicro: 0.0102,
      m5Large: 0.107,
      diskGib: 0.088,
      snapshotGib: 0.05,
      s3Reads: 0.0004,
    },
    "eu-west-2": {
      asOf: year2025,
      t3Micro: 0.0118,
      m5Large: 0.111,
      diskGib: 0.0928,
      snapshotGib: 0.053,
      s3Reads: 0.00042,
    },
    "eu-west-3": {
      asOf: year2025,
      t3Micro: 0.0118,
      m5Large: 0.112,
      diskGib: 0.0928,
      snapshotGib: 0.053,
      s3Reads: 0.00042,
    },
    "eu-north-1": { asOf: year2025, t3Micro: 0.0108, diskGib: 0.0836, s3Reads: 0.0004 },
    "ap-northeast-1": {
      asOf: year2025,
      t3Micro: 0.0136,
      m5Large: 0.124,
      diskGib: 0.096,
      snapshotGib: 0.05,
      s3Reads: 0.00037,
    },
    "ap-northeast-2": {
      asOf: year2025,
      t3Micro: 0.013,
      m5Large: 0.118,
      diskGib: 0.0912,
      snapshotGib: 0.05,
      s3Reads: 0.00035,
    },
    "ap-southeast-1": {
      asOf: year2025,
      t3Micro: 0.0132,
      m5Large: 0.12,
      diskGib: 0.096,
      snapshotGib: 0.05,
      s3Reads: 0.0004,
    },
    "ap-southeast-2": {
      asOf: year2025,
      t3Micro: 0.0132,
      m5Large: 0.12,
      diskGib: 0.096,
      snapshotGib: 0.055,
      s3Reads: 0.00044,
    },
    "ap-south-1": {
      asOf: year2025,
      t3Micro: 0.0112,
      m5Large: 0.101,
      diskGib: 0.0912,
      snapshotGib: 0.05,
      s3Reads: 0.0004,
    },
    "sa-east-1": {
      asOf: year2025,
      t3Micro: 0.0168,
      m5Large: 0.153,
      diskGib: 0.152,
      snapshotGib: 0.068,
      s3Reads: 0.00056,
    },
  }),
);

export const findPrices = (region: string): Prices | undefined => byRegion.get(region);

/** A public IPv4 address per hour, used or not: the same in every region outside China. */
export const addressHourly = 0.005;

/** How many times a size costs what the priced size of its family does. */
const t3Sizes: ReadonlyMap<string, number> = new Map([
  ["nano", 0.5],
  ["micro", 1],
  ["small", 2],
  ["medium", 4],
  ["large", 8],
  ["xlarge", 16],
  ["2xlarge", 32],
]);
const m5Sizes: ReadonlyMap<string, number> = new Map([
  ["large", 1],
  ["xlarge", 2],
  ["2xlarge", 4],
  ["4xlarge", 8],
]);

/** USD per hour; undefined for a type whose price in the region isn't known here. */
export function hourlyPrice(type: string, { t3Micro, t3aMicro, m5Large }: Prices): number | undefined {
  const [family = "", size = ""] = type.split(".");
  const known = { t3: [t3Micro, t3Sizes], t3a: [t3aMicro, t3Sizes], m5: [m5Large, m5Sizes] } as const;
  const [price, sizes] = family === "t3" || family === "t3a" || family === "m5" ? known[family] : [];
  const factor = sizes?.get(size);
  return price === undefined || factor === undefined ? undefined : price * factor;
}
