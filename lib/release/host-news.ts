import { findHint } from "./hints.ts";
import type { HostReport } from "./reports.ts";

/** What a host knows of its replicas beyond the release's figures. A value is absent as long as there is nothing to tell. */
export interface HostNews {
  /** How often replicas of the serving release ended by themselves, and why the last one did. */
  readonly restarts?: HostReport["restarts"];
  /** The release that failed, which need not be the one that serves. */
  readonly failure?: ReleaseFailure;
  /** What the host itself can't do at the moment. It goes on trying. */
  readonly trouble?: string;
}

interface ReleaseFailure {
  readonly release: number;
  readonly reason: string;
  readonly cause?: string;
  readonly hint: string;
  readonly log: readonly string[];
}

export function hostNewsOf({ restarts, trouble, ...report }: HostReport): HostNews | undefined {
  const failure = failureOf(report);
  if (restarts === undefined && trouble === undefined && failure === undefined) return undefined;
  return {
    ...(restarts === undefined ? {} : { restarts }),
    ...(failure === undefined ? {} : { failure }),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function failureOf({
  status,
  release,
  reason = "no reason given",
  cause,
  log = [],
}: HostReport): ReleaseFailure | undefined {
  if (status !== "failed") return undefined;
  const hint = findHint({ cause, log });
  return { release, reason, ...(cause === undefined ? {} : { cause }), hint, log };
}

/** Describes for people what a host knows of its replicas. */
export function hostNewsLines({ restarts, failure, trouble }: HostNews = {}): string[] {
  const last =
    restarts?.last === undefined ? "" : `, the last at ${restarts.last.at}: ${restarts.last.reason}`;
  return [
    ...(restarts === undefined ? [] : [`restarts    ${restarts.count}${last}`]),
    ...(failure === undefined
      ? []
      : [
          `failed      release ${failure.release}: ${failure.reason}`,
          ...failure.log.map((line) => `            | ${line}`),
          `            ${failure.hint}`,
        ]),
    ...(trouble === undefined ? [] : [`trouble     ${trouble}`]),
  ];
}
