import { BerthError } from "../lib/errors.ts";
import { type Check, type CheckResult, runCheck, skipCheck } from "./check.ts";
import { confinementChecks } from "./checks/confinement.ts";
import { countingChecks } from "./checks/counting.ts";
import { drainingChecks } from "./checks/draining.ts";
import { persistenceChecks } from "./checks/persistence.ts";
import { publishedChecks } from "./checks/published.ts";
import { reachabilityChecks } from "./checks/reachability.ts";
import { recoveryChecks } from "./checks/recovery.ts";
import { replicaChecks } from "./checks/replicas.ts";
import { stayingCheck } from "./checks/staying.ts";
import type { Cluster } from "./cluster.ts";
import type { ComposeFile } from "./compose-file.ts";
import { judgeServices, settleServices } from "./health.ts";
import { OwnCluster } from "./own-cluster.ts";
import { NetworkProbe } from "./probe.ts";
import { explainTrouble } from "./trouble.ts";

/** Checks that can run all at once, because they don't depend on the count. */
const listLooks = (file: ComposeFile, probe: NetworkProbe): readonly Check[] => [
  stayingCheck(),
  ...publishedChecks(file, probe),
  ...reachabilityChecks(file, probe),
  ...(file.roles === undefined ? [] : confinementChecks(file.roles, probe)),
];

/** Checks that run one after the other. Disruptive checks come last. */
const listProofs = ({ roles }: ComposeFile): readonly Check[] =>
  roles === undefined
    ? []
    : [
        ...countingChecks(roles),
        ...replicaChecks(roles),
        ...drainingChecks(roles),
        ...recoveryChecks(roles),
        ...persistenceChecks(roles),
      ];

export interface Proving {
  /** Run disruptive checks too. */
  readonly faults: boolean;
  /** Called with each result as it arrives. */
  readonly note: (result: CheckResult) => void;
}

/** Runs every check for the file. Returns all results, in the order in which they were noted. */
export async function prove(cluster: Cluster, { faults, note }: Proving): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const add = (result: CheckResult) => {
    results.push(result);
    note(result);
  };
  const looks = listLooks(cluster.file, new NetworkProbe(cluster));
  for (const result of await Promise.all(looks.map((check) => runCheck(check, cluster)))) add(result);
  cluster.signal.throwIfAborted();
  for (const check of listProofs(cluster.file))
    add(await tryCheck(check, cluster, { faults, broken: results.some(isFailure) }));
  return results;
}

/**
 * After a failure to become ready: says what can be said of the services that are well, and returns an error for each
 * other one that has failed. `known` is the service whose error is known already.
 */
export async function proveRest(
  cluster: Cluster,
  known: string | undefined,
  { note }: Pick<Proving, "note">,
): Promise<readonly BerthError[]> {
  await settleServices(cluster);
  const verdicts = await judgeServices(cluster);
  const ill = new Map(verdicts.filter(({ state }) => state !== "ready").map((one) => [one.service, one]));
  const runs = verdicts.some(({ state, ended }) => state === "ready" && ended !== true);
  const probe = new NetworkProbe(cluster, { timeoutMs: Math.min(cluster.timeoutMs, restMs) });
  // Where nothing runs, there is nothing to look at.
  const looks = runs ? listLooks(cluster.file, probe).filter(({ services }) => services !== undefined) : [];
  const tries = looks.map(async (check) => {
    const trouble = check.services?.map((service) => ill.get(service)).find((one) => one !== undefined);
    return trouble === undefined
      ? runCheck(check, cluster)
      : skipCheck(check, `${trouble.service} isn't ready: ${trouble.reason}`);
  });
  const results = await Promise.all(tries);
  for (const result of results) note(result);
  const others = [...ill.values()].filter(({ state, service }) => state === "failed" && service !== known);
  return [
    ...(await Promise.all(others.map((verdict) => explainTrouble(cluster, verdict)))),
    ...results.flatMap(({ error }) => error ?? []),
  ];
}

/** How long a service that has started may still take until it listens, when another one has failed. */
const restMs = 15_000;

async function tryCheck(
  check: Check,
  cluster: Cluster,
  { faults, broken }: { readonly faults: boolean; readonly broken: boolean },
): Promise<CheckResult> {
  cluster.signal.throwIfAborted();
  if (check.ownOnly === true && !(cluster instanceof OwnCluster))
    return skipCheck(check, "only on a cluster of its own: it makes and removes containers");
  if (check.disruptive === true && !faults) return skipCheck(check, "needs --faults on a running cluster");
  // Breaking a broken cluster further would only bury the first finding.
  if (broken && (check.disruptive === true || check.heavy === true)) {
    return skipCheck(check, "an earlier check failed");
  }
  return runCheck(check, cluster);
}

const isFailure = ({ outcome }: CheckResult): boolean => outcome === "failed";

/** Throws `NothingChecked`: a run in which no check passed proves nothing. */
export function refuseEmpty(path: string, results: readonly CheckResult[]): void {
  if (results.some(({ outcome }) => outcome === "passed")) return;
  throw new BerthError({
    code: "NothingChecked",
    message: `nothing was checked: no service of ${path} has a container`,
    hint: "see whether profiles, or `scale` and `replicas`, turn off more than is meant",
  });
}
