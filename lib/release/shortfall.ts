import { type HostReport, hostReportKey, type Told } from "./reports.ts";

/** What is desired of a host. */
export interface HostDesired {
  /** Number of the release that it shall serve. */
  readonly release: number;
  readonly agent?: AgentPublished | undefined;
}

/** The agent that it shall run, and since when: an earlier try of the same one counts for nothing. */
interface AgentPublished {
  readonly sha256: string;
  readonly at?: string | undefined;
}

/** One thing that a host isn't doing yet. */
export interface Shortfall {
  readonly host: string;
  /** `release 4 serving` */
  readonly desired: string;
  /** The same as what a host would say: `serves release 4` */
  readonly claim: string;
  /** What the host says instead, or that it says nothing. */
  readonly observed: string;
  /** There when the host tried just that and gave up: waiting for it is in vain. */
  readonly failure?: HostFailure;
  /** There when what the host wrote can't be read. */
  readonly problem?: string;
}

export interface HostFailure {
  readonly code: "ReleaseUnhealthy" | "AgentUnhealthy";
  readonly hint: string;
  /** A sentence without an end: what failed on which host, why, and what serves. */
  readonly message: string;
  /** The tail of the app's log. */
  readonly log: readonly string[];
}

/** What this host isn't doing yet. Empty when it does all that is desired. A plan shows it, and `awaitHosts` waits for its end. */
export function findShortfalls(host: string, desired: HostDesired, told: Told): Shortfall[] {
  return [...releaseShortfalls(host, desired, told), ...agentShortfalls(host, desired, told)];
}

function releaseShortfalls(host: string, { release }: HostDesired, { report, problem }: Told): Shortfall[] {
  const isAboutIt = report?.release === release;
  if (isAboutIt && report.status === "serving") return [];
  const common = { host, desired: `release ${release} serving`, claim: `serves release ${release}` };
  if (problem !== undefined) {
    const text = `${hostReportKey(host)} is no report: ${problem}`;
    return [{ ...common, observed: text, problem: text }];
  }
  if (report === undefined) return [{ ...common, observed: "no report yet" }];
  const observed = `release ${report.release} ${report.status}`;
  if (!isAboutIt || report.status !== "failed") return [{ ...common, observed }];
  return [{ ...common, observed, failure: releaseFailure(report) }];
}

function releaseFailure({ instance, release, reason, serves, log = [] }: HostReport): HostFailure {
  const still = serves === undefined ? "nothing serves" : `release ${serves} still serves`;
  return {
    code: "ReleaseUnhealthy",
    hint: "fix the app or its configuration and run up again; the lines above are the end of its log",
    message: `release ${release} failed on ${instance}: ${reason ?? "no reason given"}; ${still}`,
    log,
  };
}

const shortDigits = 12;

/** A host without a report is said to have none already. */
function agentShortfalls(host: string, { agent }: HostDesired, { report }: Told): Shortfall[] {
  if (agent === undefined || report === undefined || report.agent?.sha256 === agent.sha256) return [];
  const name = agent.sha256.slice(0, shortDigits);
  const running = report.agent?.sha256.slice(0, shortDigits);
  const common = {
    host,
    desired: `agent ${name}`,
    claim: `runs agent ${name}`,
    observed: running === undefined ? "an agent without a name" : `agent ${running}`,
  };
  const failed = report.agent?.failed;
  if (failed?.sha256 !== agent.sha256 || (agent.at !== undefined && failed.at !== agent.at)) return [common];
  const failure: HostFailure = {
    code: "AgentUnhealthy",
    hint: "run up with another version of Berth; to try this one again, remove agent.json from the state bucket first",
    message: `agent ${name} failed on ${host}: ${failed.reason}; agent ${running} goes on`,
    log: [],
  };
  return [{ ...common, failure }];
}
