import { z } from "zod";
import { BerthError } from "./errors.ts";

const release = z.object({
  /** Counts up from 1 for the life of the stack. */
  number: z.int().min(1),
  /** By digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
  image: z.string().min(1),
  /** The port the app listens on inside its container. */
  port: z.int(),
  replicas: z.int().min(1),
  environment: z.record(z.string(), z.string()),
  /** Memory limit of one replica, in MiB. */
  memoryMib: z.int(),
  /** How long a replica may take from its start to its first answer; 60 when absent. */
  startSeconds: z.int().optional(),
  /** ISO 8601, UTC. */
  at: z.string(),
  /** ARN of the caller who wished for it. */
  by: z.string(),
  /** Git commit of the source folder, when it is in a repository. */
  commit: z.string().optional(),
});

const hostReport = z.object({
  instance: z.string(),
  /** Number of the release that this report is about. */
  release: z.int(),
  /** `serving`: passed its gate, edge switched. `failed`: the gate was not passed, `serves` is still in place. */
  status: z.enum(["starting", "serving", "failed"]),
  /** Number of the release that answers requests now, if any does. */
  serves: z.int().optional(),
  /** One sentence, when failed. */
  reason: z.string().optional(),
  /** The tail of the app's log, when failed. */
  log: z.array(z.string()).optional(),
  /** Requests passed to the app since the edge started, and how many of them it answered with 5xx or not at all. */
  upstream: z.object({ tries: z.int(), errors: z.int() }).optional(),
  at: z.string(),
});

/** What shall run on the host. Written by `up` as `release.json` in the state bucket, read by the host. */
export type Release = Readonly<z.output<typeof release>>;

/** What a host says of itself. Written by the host as `hosts/<instance id>.json` in the state bucket. */
export type HostReport = Readonly<z.output<typeof hostReport>>;

export const releaseKey = "release.json";
export const hostReportKey = (instanceId: string): string => `hosts/${instanceId}.json`;

/** Throws BerthError `ReleaseDamaged` for anything that isn't a release. */
export function parseRelease(body: string, location: string): Release {
  try {
    return release.parse(JSON.parse(body));
  } catch (error) {
    throw new BerthError({
      code: "ReleaseDamaged",
      message: `the wished release is not readable: ${location}. It is left as it is`,
      hint: `restore an earlier version of the object, or remove it: the next up writes it anew`,
      resource: "release",
      cause: error,
    });
  }
}

/** Undefined for what a host didn't write as agreed: the next report will tell. */
export function parseHostReport(body: string): HostReport | undefined {
  try {
    return hostReport.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}
