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
import { OwnCluster } from "./own-cluster.ts";
import { NetworkProbe } from "./probe.ts";

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
  /** How long services may take until they listen. */
  readonly timeoutMs: number;
  /** Called with each result as it arrives. */
  readonly note: (result: CheckResult) => void;
}

/** Runs every check for the file. Returns all results, in the order in which they were noted. */
export async function prove(
  cluster: Cluster,
  { faults, timeoutMs, note }: Proving,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const add = (result: CheckResult) => {
    results.push(result);
    note(result);
  };
  const looks = listLooks(cluster.file, new NetworkProbe(cluster, { timeoutMs }));
  for (const result of await Promise.all(looks.map((check) => runCheck(check, cluster)))) add(result);
  cluster.signal.throwIfAborted();
  for (const check of listProofs(cluster.file))
    add(await tryCheck(check, cluster, { faults, broken: results.some(isFailure) }));
  return results;
}

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
