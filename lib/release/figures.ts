import type { HostReport } from "./reports.ts";
import type { Release } from "./schema.ts";

/** What a user is told about a release: everything that the configuration doesn't say. */
export type ReleaseFigures = Pick<Release, "number" | "image" | "commit" | "at" | "by">;

/**
 * Requests that the edge counted since the release began to serve, or since the host's converger started. Clients see fewer
 * errors, because the edge retries.
 */
export interface AppFigures {
  /** Tries: how often a request was passed to a replica, retries included. */
  readonly tries: number;
  /** Tries that got a 5xx response, or none. */
  readonly errors: number;
  /** Requests that edge or switch answered themselves, by the failure's name. Missing where there were none. */
  readonly failures?: Readonly<Record<string, number>> | undefined;
}

export const releaseFigures = ({ number, image, commit, at, by }: Release): ReleaseFigures => ({
  number,
  image,
  commit,
  at,
  by,
});

/** Adds up the figures of all hosts that serve the release. Undefined as long as no host has reported any. */
export function sumFigures(release: number, reports: readonly HostReport[]): AppFigures | undefined {
  const told = reports.flatMap((one) => (one.release === release && one.upstream ? one.upstream : []));
  if (told.length === 0) return undefined;
  const sum = (of: (figures: AppFigures) => number) => told.reduce((total, one) => total + of(one), 0);
  const failures = sumFailures(told);
  return {
    tries: sum(({ tries }) => tries),
    errors: sum(({ errors }) => errors),
    ...(failures.size === 0 ? {} : { failures: Object.fromEntries(failures) }),
  };
}

/** A map, because a host may name a failure like an inherited property. */
function sumFailures(told: readonly NonNullable<HostReport["upstream"]>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of told.flatMap(({ failures = {} }) => Object.entries(failures)))
    sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

const shortDigits = 12;

/** Describes a release for people: number, image, source commit, time of publication and publisher. */
export function releaseLines(release: ReleaseFigures | undefined): string[] {
  if (release === undefined) return ["release     none"];
  const { number, image, commit, at, by } = release;
  const digest = image.split("@sha256:")[1]?.slice(0, shortDigits) ?? image;
  return [
    `release     ${number}, since ${at} by ${by}`,
    `image       ${digest}`,
    `commit      ${commit?.slice(0, shortDigits) ?? "unknown: the source is in no repository"}`,
  ];
}

export function appLine(app: AppFigures | undefined): string {
  if (app === undefined) return "app         not counted yet";
  const failures = Object.entries(app.failures ?? {}).map(([name, count]) => `${count} ${name}`);
  const own = failures.length === 0 ? "" : `; the edge's own answers: ${failures.join(", ")}`;
  return `app         ${app.errors} of ${app.tries} tries failed${own}`;
}
