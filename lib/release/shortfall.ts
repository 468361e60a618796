import { shortHash } from "../short-hash.ts";
import { agentHint, findHint, postponedAgentHint } from "./hints.ts";
import { type HostReport, hostReportKey, type Told } from "./reports.ts";

/** A host's desired release and agent. */
export interface HostDesired {
  /** The number of the release to serve. */
  readonly release: number;
  readonly agent?: AgentPublished | undefined;
}

/** The desired agent, and when it was published. A failure of an earlier publication doesn't count. */
export interface AgentPublished {
  readonly sha256: string;
  readonly at?: string | undefined;
}

/** One way in which a host isn't in its desired state yet. */
export interface Shortfall {
  readonly host: string;
  /** What is desired: `release 4 serving`. */
  readonly desired: string;
  /** The same in the words of a host's report: `serves release 4`. */
  readonly claim: string;
  /** What the host reports instead, or that it reports nothing. */
  readonly observed: string;
  /** Set if the host tried and gave up. Waiting longer is useless. */
  readonly failure?: HostFailure;
  /** Set if the host's report can't be read, or if it tells of something that the host can't do at the moment. */
  readonly problem?: string;
}

export interface HostFailure {
  readonly code: "ReleaseUnhealthy" | "AgentUnhealthy" | "AgentPostponed";
  readonly hint: string;
  /** What failed on which host, why, and what still serves. A sentence without a full stop. */
  readonly message: string;
  /** The last lines of the app's log. */
  readonly log: readonly string[];
}

/** Compares a host's report with its desired state. A plan shows the result; `awaitHosts` waits until it is empty. */
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
  if (!isAboutIt || report.status !== "failed") {
    const { trouble } = report;
    if (trouble === undefined) return [{ ...common, observed }];
    return [{ ...common, observed: `${observed}, but ${trouble}`, problem: `${host}: ${trouble}` }];
  }
  return [{ ...common, observed, failure: releaseFailure(report) }];
}

function releaseFailure({ instance, release, reason, cause, serves, log = [] }: HostReport): HostFailure {
  const still = serves === undefined ? "nothing serves" : `release ${serves} still serves`;
  return {
    code: "ReleaseUnhealthy",
    hint: findHint({ cause, log }),
    message: `release ${release} failed on ${instance}: ${reason ?? "no reason given"}; ${still}`,
    log,
  };
}

/** Whether the launcher has also read the latest publication: until then, another agent may be on trial. */
const isInstalled = ({ sha256, at }: AgentPublished, reported: HostReport["agent"]): boolean =>
  reported?.sha256 === sha256 &&
  reported.trying === undefined &&
  (at === undefined || reported.at === undefined || reported.at === at);

function observedAgent({ agent }: HostReport): string {
  if (agent === undefined) return "an agent without a name";
  const { sha256, trying } = agent;
  if (trying === undefined) return `agent ${shortHash(sha256)}, the latest agent.json not acted on yet`;
  const trial = `agent ${shortHash(trying)} on trial (a whole turn, then 30 s without an end)`;
  return `${trial}, agent ${shortHash(sha256)} until then`;
}

const isAbout = <Refused extends AgentPublished>(
  { sha256, at }: AgentPublished,
  refused: Refused | undefined,
): refused is Refused => refused?.sha256 === sha256 && (at === undefined || refused.at === at);

/** Empty for a host without a report, because `releaseShortfalls` already says that the report is missing. */
function agentShortfalls(host: string, { agent }: HostDesired, { report }: Told): Shortfall[] {
  if (agent === undefined || report === undefined || isInstalled(agent, report.agent)) return [];
  const name = shortHash(agent.sha256);
  const running = report.agent && shortHash(report.agent.sha256);
  const common = {
    host,
    desired: `agent ${name}`,
    claim: `runs agent ${name}`,
    observed: observedAgent(report),
  };
  const { failed, waiting } = report.agent ?? {};
  if (isAbout(agent, failed)) {
    const message = `agent ${name} failed on ${host}: ${failed.reason}; agent ${running} goes on`;
    const failure: HostFailure = { code: "AgentUnhealthy", hint: agentHint, message, log: [] };
    return [{ ...common, observed: `agent ${running}, as it refused agent ${name}`, failure }];
  }
  if (isAbout(agent, waiting)) {
    const message = `agent ${name} can't be installed on ${host} now: ${waiting.reason}; agent ${running} goes on`;
    const failure: HostFailure = { code: "AgentPostponed", hint: postponedAgentHint, message, log: [] };
    return [{ ...common, observed: `agent ${running}, and agent ${name} later: ${waiting.reason}`, failure }];
  }
  return [common];
}
