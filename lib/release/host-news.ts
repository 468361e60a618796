import { shortHash } from "../short-hash.ts";
import { agentHint, findHint } from "./hints.ts";
import type { HostReport } from "./reports.ts";

/** What a host knows of its replicas beyond the release's figures. A value is absent as long as there is nothing to tell. */
export interface HostNews {
  /** How often replicas of the serving release ended by themselves, and why the last one did. */
  readonly restarts?: HostReport["restarts"];
  /** The release that failed, which need not be the one that serves. */
  readonly failure?: ReleaseFailure;
  /** What the host itself can't do at the moment. It goes on trying. */
  readonly trouble?: string;
  /** A refused agent of Berth. The one before goes on. */
  readonly agent?: { readonly refused: string; readonly reason: string; readonly running: string };
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
  const agent = refusalOf(report);
  if (restarts === undefined && trouble === undefined && failure === undefined && agent === undefined)
    return undefined;
  return {
    ...(restarts === undefined ? {} : { restarts }),
    ...(failure === undefined ? {} : { failure }),
    ...(trouble === undefined ? {} : { trouble }),
    ...(agent === undefined ? {} : { agent }),
  };
}

function refusalOf({ agent }: Pick<HostReport, "agent">): HostNews["agent"] {
  if (agent?.failed === undefined) return undefined;
  return { refused: agent.failed.sha256, reason: agent.failed.reason, running: agent.sha256 };
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
export function hostNewsLines({ restarts, failure, trouble, agent }: HostNews = {}): string[] {
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
    ...(agent === undefined
      ? []
      : [
          `refused     agent ${shortHash(agent.refused)}: ${agent.reason}`,
          `            agent ${shortHash(agent.running)} goes on; ${agentHint}`,
        ]),
  ];
}
