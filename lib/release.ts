/** What shall run on the host. Written by `up` as `release.json` in the state bucket, read by the host. */
export interface Release {
  /** Counts up from 1 for the life of the stack. */
  readonly number: number;
  /** By digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
  readonly image: string;
  /** The port the app listens on inside its container. */
  readonly port: number;
  readonly replicas: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Memory limit of one replica, in MiB. */
  readonly memoryMib: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** ARN of the caller who wished for it. */
  readonly by: string;
  /** Git commit of the source folder, when it is in a repository. */
  readonly commit?: string;
}

/** What a host says of itself. Written by the host as `hosts/<instance id>.json` in the state bucket. */
export interface HostReport {
  readonly instance: string;
  /** Number of the release that this report is about. */
  readonly release: number;
  /** `serving`: passed its gate, edge switched. `failed`: the gate was not passed, `serves` is still in place. */
  readonly status: "starting" | "serving" | "failed";
  /** Number of the release that answers requests now, if any does. */
  readonly serves?: number;
  /** One sentence, when failed. */
  readonly reason?: string;
  /** The tail of the app's log, when failed. */
  readonly log?: readonly string[];
  readonly at: string;
}

export const releaseKey = "release.json";
export const hostReportKey = (instanceId: string): string => `hosts/${instanceId}.json`;
