import { z } from "zod";
import { BerthError } from "./errors.ts";
import { legible } from "./legible.ts";
import { parseStrictJson } from "./strict-json.ts";

const text = z.string().max(2048);
/** No stack lives through so many; a host that claims more would use up the numbers that are left. */
const highestNumber = 1_000_000_000;
const number = z.int().min(1).max(highestNumber);
const count = z.int().min(0);

/** Of all variables of an app together, and of one alone. */
export const mostEnvironmentCharacters = 64 * 1024;
export const mostVariables = 1_000;

const release = z.object({
  /** Counts up from 1 for the life of the stack. One that no report could name would be waited for in vain. */
  number,
  /** By digest: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/berth/hello@sha256:…` */
  image: text.min(1),
  /** The port the app listens on inside its container. */
  port: z.int().min(1).max(65_535),
  replicas: count.min(1),
  environment: z
    .record(z.string().max(256), z.string().max(mostEnvironmentCharacters))
    .refine((variables) => Object.keys(variables).length <= mostVariables),
  /** Memory limit of one replica, in MiB. */
  memoryMib: count,
  /** How long a replica may take from its start to its first answer; 60 when absent. */
  startSeconds: count.optional(),
  /** ISO 8601, UTC. */
  at: text,
  /** ARN of the caller who wished for it. */
  by: text,
  /** Git commit of the source folder, when it is in a repository. */
  commit: text.optional(),
});

const longestLine = 1_000;
const mostLogLines = 50;
/** An app or a host may say more; what helps is in the beginning. */
const cutLine = (line: string): string =>
  line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`;

/** What it says beyond this is left out: a host that is newer than this Berth may say more. */
const hostReport = z.object({
  /** Number of the release that this report is about. */
  release: number,
  /** `serving`: passed its gate, edge switched. `failed`: the gate was not passed, `serves` is still in place. */
  status: z.enum(["starting", "serving", "failed"]),
  /** Number of the release that answers requests now, if any does. */
  serves: number.optional(),
  /** One sentence, when failed. */
  reason: z.string().transform(cutLine).optional(),
  /** The tail of the app's log, when failed. */
  log: z
    .array(z.string())
    .transform((lines) => lines.slice(-mostLogLines).map(cutLine))
    .optional(),
  /** Requests passed to the app since the edge started, and how many of them it answered with 5xx or not at all. */
  upstream: z.object({ tries: count, errors: count }).optional(),
  at: text,
});

/** What shall run on the host. Written by `up` as `release.json` in the state bucket, read by the host. */
export type Release = Readonly<z.output<typeof release>>;

/** What a host says of itself. Written by the host as `hosts/<instance id>.json` in the state bucket. */
export interface HostReport extends Readonly<z.output<typeof hostReport>> {
  /** By the object's key: what the report itself says of whose it is counts for nothing. */
  readonly instance: string;
}

export const releaseKey = "release.json";
export const hostReportKey = (instanceId: string): string => `hosts/${instanceId}.json`;

/** The instance whose report has the key; undefined for an object that is no host's. */
export function instanceOf(key: string): string | undefined {
  return /^hosts\/([A-Za-z0-9-]{1,64})\.json$/.exec(key)?.[1];
}

/** Throws BerthError `ReleaseDamaged` for anything that isn't a release. */
export function parseRelease(body: string, location: string): Release {
  try {
    return release.parse(parseStrictJson(body));
  } catch (error) {
    throw new BerthError({
      code: "ReleaseDamaged",
      message: `the wished release is not readable: ${location}: ${whyNot(error)}. It is left as it is`,
      hint: `restore an earlier version of the object, or remove it: the next up writes it anew`,
      resource: "release",
      cause: error,
    });
  }
}

/** Never throws for what a host wrote: its next report may be better. */
export function parseHostReport(
  body: string,
  instance: string,
): { report: HostReport; problem?: undefined } | { report?: undefined; problem: string } {
  try {
    return { report: { ...hostReport.parse(parseStrictJson(body)), instance } };
  } catch (error) {
    return { problem: whyNot(error) };
  }
}

function whyNot(error: unknown): string {
  if (!(error instanceof z.ZodError)) return legible(error instanceof Error ? error.message : String(error));
  const [issue] = error.issues;
  return legible(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, 200);
}
