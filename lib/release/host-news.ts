import { shortHash } from "../short-hash.ts";
import { agentHint, findHint, postponedAgentHint } from "./hints.ts";
import type { HostReport } from "./reports.ts";

/** What a host knows of its replicas beyond the release's figures. A value is absent as long as there is nothing to tell. */
export interface HostNews {
  /** How often replicas of the serving release ended by themselves, and why the last one did. */
  readonly restarts?: HostReport["restarts"];
  /** The release that failed, which need not be the one that serves. */
  readonly failure?: ReleaseFailure;
  /** What the host itself can't do at the moment. It goes on trying. */
  readonly trouble?: string;
  /** An agent of Berth that the host didn't install. The one before goes on. */
  readonly agent?: AgentRefusal;
}

interface AgentRefusal {
  readonly refused: string;
  readonly reason: string;
  readonly running: string;
  /** Whether the host tries the same agent again by itself: it had no room for it. */
  readonly isRetried: boolean;
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
  const refused = agent?.failed ?? agent?.waiting;
  if (agent === undefined || refused === undefined) return undefined;
  const { sha256, reason } = refused;
  return { refused: sha256, reason, running: agent.sha256, isRetried: agent.failed === undefined };
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
          `${agent.isRetried ? "postponed " : "refused   "}  agent ${shortHash(agent.refused)}: ${agent.reason}`,
          `            agent ${shortHash(agent.running)} goes on; ${agent.isRetried ? postponedAgentHint : agentHint}`,
        ]),
  ];
}
