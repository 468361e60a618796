import { shortHash } from "../short-hash.ts";
import type { HostReport } from "./reports.ts";
import type { Maintenance, Release } from "./schema.ts";

/** What people are told of a maintenance. The page itself can be long. */
export type MaintenanceFigures = Pick<Maintenance, "since" | "by">;

/** What a user is told about a release: everything that the configuration doesn't say. */
export type ReleaseFigures = Pick<Release, "number" | "image" | "commit" | "at" | "by" | "rolledBack"> & {
  /** Set as long as visitors see a page in place of the app. */
  readonly maintenance?: MaintenanceFigures | undefined;
};

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
  /** The same of the last minute and the last hour before `at`, earlier releases included. */
  readonly lastMinute?: Rate | undefined;
  readonly lastHour?: Rate | undefined;
  /** When a host counted last. Hosts tell failures within a minute, tries alone within ten, and both when they are asked. */
  readonly at?: string | undefined;
  /** The end of the app's log when tries failed last. */
  readonly log?: readonly string[] | undefined;
}

type Rate = Pick<AppFigures, "tries" | "errors">;

/** What has become of the release that was published last, as its host says. */
export interface Rollout {
  /** `waiting` as long as the host has said nothing of this release. */
  readonly status: HostReport["status"] | "waiting";
  /** The number of the release that serves requests, if any does. */
  readonly serves?: number;
  /** When the host said so. */
  readonly at?: string;
}

export function rolloutOf(release: number, report: HostReport | undefined): Rollout {
  if (report === undefined) return { status: "waiting" };
  const { serves, at } = report;
  const status = report.release === release ? report.status : "waiting";
  return { status, ...(serves === undefined ? {} : { serves }), at };
}

export const releaseFigures = ({
  number,
  image,
  commit,
  at,
  by,
  rolledBack,
  maintenance,
}: Release): ReleaseFigures => ({
  number,
  image,
  commit,
  at,
  by,
  ...(rolledBack === undefined ? {} : { rolledBack }),
  ...(maintenance === undefined ? {} : { maintenance: { since: maintenance.since, by: maintenance.by } }),
});

/** Adds up the figures of all hosts that serve the release. Undefined as long as no host has reported any. */
export function sumFigures(release: number, reports: readonly HostReport[]): AppFigures | undefined {
  const ours = reports.filter((one) => one.release === release && one.upstream !== undefined);
  const told = ours.flatMap(({ upstream }) => upstream ?? []);
  if (told.length === 0) return undefined;
  const sum = (of: (figures: AppFigures) => number) => told.reduce((total, one) => total + of(one), 0);
  const failures = sumFailures(told);
  const at = told.flatMap((one) => one.at ?? []).toSorted()[0];
  const log = ours.flatMap((one) => (one.status === "serving" ? (one.log ?? []) : []));
  return {
    tries: sum(({ tries }) => tries),
    errors: sum(({ errors }) => errors),
    ...(failures.size === 0 ? {} : { failures: Object.fromEntries(failures) }),
    ...sumRates(told),
    ...(at === undefined ? {} : { at }),
    ...(log.length === 0 ? {} : { log }),
  };
}

function sumRates(told: readonly Pick<AppFigures, "lastMinute" | "lastHour">[]) {
  const sum = (rates: readonly Rate[]) => ({
    tries: rates.reduce((total, { tries }) => total + tries, 0),
    errors: rates.reduce((total, { errors }) => total + errors, 0),
  });
  const [minutes, hours] = [
    told.flatMap((one) => one.lastMinute ?? []),
    told.flatMap((one) => one.lastHour ?? []),
  ];
  return {
    ...(minutes.length === 0 ? {} : { lastMinute: sum(minutes) }),
    ...(hours.length === 0 ? {} : { lastHour: sum(hours) }),
  };
}

/** A map, because a host may name a failure like an inherited property. */
function sumFailures(told: readonly NonNullable<HostReport["upstream"]>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of told.flatMap(({ failures = {} }) => Object.entries(failures)))
    sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

/** Describes a release for people: number and what became of it, image, source commit, time of publication and publisher. */
export function releaseLines(release: ReleaseFigures | undefined, rollout?: Rollout): string[] {
  if (release === undefined) return ["release     none"];
  const { number, image, commit, at, by, rolledBack } = release;
  return [
    `release     ${number}${rollout === undefined ? "" : rolloutText(number, rollout)}`,
    ...(rolledBack === undefined
      ? []
      : [`            rolled back from ${rolledBack.from} to ${rolledBack.to}`]),
    `published   ${minuteText(at)} by ${shortCaller(by)}`,
    `image       ${imageText(image)}`,
    `commit      ${commit === undefined ? "unknown: the source is in no repository" : shortHash(commit)}`,
  ];
}

/** `2d7e61f0a1b2` of `…@sha256:2d7e…` */
export function imageText(image: string): string {
  const digest = image.split("@sha256:")[1];
  return digest === undefined ? image : shortHash(digest);
}

function rolloutText(release: number, { status, serves }: Rollout): string {
  if (status === "serving") return " serves";
  const others = serves === undefined ? "nothing serves" : `${serves === release ? "it" : serves} serves`;
  const what = {
    failed: "failed",
    starting: "is starting",
    waiting: "is published; the host has said nothing of it yet",
  };
  return ` ${what[status]}; ${others}`;
}

/** `user/ann` for `arn:aws:iam::123456789012:user/ann`. */
export const shortCaller = (arn: string): string => /^arn:[a-z-]+:[a-z]+::\d{12}:(.+)$/.exec(arn)?.[1] ?? arn;

/** `2026-11-26 10:00 UTC`. A time that is none, as a host may write one, stays as it is. */
export function minuteText(at: string): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return at;
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function appLine(app: AppFigures | undefined, nowMs: number): string {
  if (app === undefined) return "app         not counted yet";
  const failures = Object.entries(app.failures ?? {}).map(([name, count]) => `${count} ${name}`);
  const own = failures.length === 0 ? "" : `; the edge's own answers: ${failures.join(", ")}`;
  const tries = app.tries === 0 ? "no request yet" : `${app.errors} of ${app.tries} tries failed`;
  return `app         ${tries}${own}${ageText(app.at, nowMs)}`;
}

/** The share of failed tries in the last minute and the last hour, as of the host's last count. */
export function rateLines({ lastMinute, lastHour, at }: Partial<AppFigures> = {}): string[] {
  const rateText = (name: string, { tries, errors }: Rate) =>
    tries === 0
      ? `no request in the last ${name}`
      : `${((errors / tries) * 100).toFixed(1)} % of ${tries} tries failed in the last ${name}`;
  const texts = [
    ...(lastMinute === undefined ? [] : [rateText("minute", lastMinute)]),
    ...(lastHour === undefined ? [] : [rateText("hour", lastHour)]),
  ];
  if (texts.length === 0) return [];
  return [`rates       ${texts.join(", ")}${at === undefined ? "" : `, as of ${minuteText(at)}`}`];
}

/** How old figures are. The host's clock may be ahead of this computer's. */
function ageText(at: string | undefined, nowMs: number): string {
  const ms = Date.parse(at ?? "");
  return Number.isNaN(ms) ? "" : `; counted ${durationText(Math.max(0, nowMs - ms))} ago`;
}

/** In the largest unit of which there are two. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
