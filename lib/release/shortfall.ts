import { type HostReport, hostReportKey, type Told } from "./reports.ts";

/** What is desired of a host. */
export interface HostDesired {
  /** Number of the release that it shall serve. */
  readonly release: number;
}

/** One thing that a host isn't doing yet. */
export interface Shortfall {
  readonly host: string;
  /** `release 4 serving` */
  readonly desired: string;
  /** What the host says instead, or that it says nothing. */
  readonly observed: string;
  /** There when the host tried just that and gave up: waiting for it is in vain. */
  readonly failure?: HostFailure;
  /** There when what the host wrote can't be read. */
  readonly problem?: string;
}

export interface HostFailure {
  /** A sentence without an end: what failed on which host, why, and what serves. */
  readonly message: string;
  /** The tail of the app's log. */
  readonly log: readonly string[];
}

/** What this host isn't doing yet. Empty when it does all that is desired. A plan shows it, and `awaitHosts` waits for its end. */
export function findShortfalls(host: string, desired: HostDesired, told: Told): Shortfall[] {
  return releaseShortfalls(host, desired, told);
}

function releaseShortfalls(host: string, { release }: HostDesired, { report, problem }: Told): Shortfall[] {
  const isAboutIt = report?.release === release;
  if (isAboutIt && report.status === "serving") return [];
  const common = { host, desired: `release ${release} serving` };
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
    message: `release ${release} failed on ${instance}: ${reason ?? "no reason given"}; ${still}`,
    log,
  };
}
