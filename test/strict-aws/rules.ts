import { localAccount } from "../../lib/local/emulators/emulators.ts";
import { InstanceLives } from "./instance-lives.ts";
import { compose, type Behind, type Rule } from "./rule.ts";
import { bucketOwner } from "./rules/bucket-owner.ts";
import { clientTokens } from "./rules/client-tokens.ts";
import { deleteMarkers } from "./rules/delete-markers.ts";
import { dependencies } from "./rules/dependencies.ts";
import { dryRun } from "./rules/dry-run.ts";
import { endpointRoutes } from "./rules/endpoint-routes.ts";
import { failedLaunches, type FailedLaunches } from "./rules/failed-launches.ts";
import { failedStorage, type FailedStorage } from "./rules/failed-storage.ts";
import { type FreeImages, freeImages } from "./rules/free-images.ts";
import { ignoredConditions } from "./rules/ignored-conditions.ts";
import { ignoredFilters } from "./rules/ignored-filters.ts";
import { inputLimits } from "./rules/input-limits.ts";
import { instanceStates } from "./rules/instance-states.ts";
import { lateBuckets, type LateBuckets } from "./rules/late-buckets.ts";
import { lateVisibility, type LateVisibility } from "./rules/late-visibility.ts";
import { localZones } from "./rules/local-zones.ts";
import { missingImages } from "./rules/missing-images.ts";
import { objectAge } from "./rules/object-age.ts";
import { offeredZones, type OfferedZones } from "./rules/offered-zones.ts";
import { lingeringInterfaces } from "./rules/lingering-interfaces.ts";
import { olderConsoles } from "./rules/older-consoles.ts";
import { pagination, type Pagination } from "./rules/pagination.ts";
import { profileDelay, type ProfileDelay } from "./rules/profile-delay.ts";
import { profileRoles } from "./rules/profile-roles.ts";
import { type RecordChanges, recordChanges } from "./rules/record-changes.ts";
import { shellSessions } from "./rules/shell-sessions.ts";
import { volumeStates } from "./rules/volume-states.ts";
import { quotas, type Quotas } from "./rules/quotas.ts";

/** AWS behaviour that the emulators lack. `false` turns a rule off. */
export interface Rules {
  readonly clientTokens: boolean;
  readonly dryRun: boolean;
  readonly inputLimits: boolean;
  readonly bucketOwner: boolean;
  readonly endpointRoutes: boolean;
  readonly profileRoles: boolean;
  readonly failedLaunches: FailedLaunches | false;
  readonly failedStorage: FailedStorage | false;
  readonly offeredZones: OfferedZones | false;
  readonly deleteMarkers: boolean;
  readonly localZones: boolean;
  readonly missingImages: boolean;
  /** Whether images are said to be eligible on a free plan, and which aren't: the beginnings of their names. */
  readonly freeImages: FreeImages | false;
  readonly quotas: Quotas | false;
  readonly profileDelay: ProfileDelay | false;
  readonly lateVisibility: LateVisibility | false;
  readonly lateBuckets: LateBuckets | false;
  /** How many reads show `pending`, `stopping` or `shutting-down` first. */
  readonly instanceStates: { readonly polls: number } | false;
  /** How many attempts after `terminated` are still refused; as long, the network interface is listed. */
  readonly dependencies: { readonly lingerPolls: number } | false;
  /** How many reads show `attaching` or `detaching`, and a snapshot as `pending`, first. */
  readonly volumeStates: { readonly polls: number } | false;
  readonly pagination: Pagination | false;
  /** How many times faster than the clock S3 objects age. */
  readonly objectAge: number | false;
  /** The operations whose conditions S3 ignores. */
  readonly ignoredConditions: readonly string[] | false;
  /** Every type is one whose latest console output isn't shown. */
  readonly olderConsoles: boolean;
  /** Session Manager answers. */
  readonly shellSessions: boolean;
  readonly recordChanges: RecordChanges | false;
  /** Removes filters from reads. */
  readonly ignoredFilters: boolean;
}

export const allRules: Rules = {
  clientTokens: true,
  dryRun: true,
  inputLimits: true,
  bucketOwner: true,
  endpointRoutes: true,
  profileRoles: true,
  failedLaunches: false,
  failedStorage: false,
  offeredZones: false,
  deleteMarkers: true,
  localZones: true,
  missingImages: true,
  freeImages: { except: [] },
  quotas: { vpcs: 5, addresses: 5, internetGateways: 5 },
  profileDelay: { attempts: 2 },
  lateVisibility: { reads: 2, uses: 2 },
  lateBuckets: { reads: 2, tags: 1, objects: 2, deletions: 2 },
  instanceStates: { polls: 2 },
  dependencies: { lingerPolls: 2 },
  volumeStates: { polls: 2 },
  pagination: { size: 1 },
  objectAge: false,
  ignoredConditions: false,
  olderConsoles: false,
  shellSessions: true,
  recordChanges: { polls: 2, busy: 1 },
  ignoredFilters: false,
};

/** Combines all active rules into a new one without any earlier state. A call meets them in this order. */
export function ruleOf(rules: Rules, behind: Behind): Rule {
  const lives = new InstanceLives({
    polls: rules.instanceStates === false ? 0 : rules.instanceStates.polls,
    lingerPolls: rules.dependencies === false ? 0 : rules.dependencies.lingerPolls,
  });
  const chosen: (Rule | false)[] = [
    rules.ignoredFilters && ignoredFilters(),
    rules.ignoredConditions && ignoredConditions(rules.ignoredConditions),
    rules.dryRun && dryRun(),
    rules.pagination && pagination(rules.pagination),
    rules.clientTokens && clientTokens(),
    rules.inputLimits && inputLimits(),
    rules.objectAge !== false && objectAge(rules.objectAge),
    rules.bucketOwner && bucketOwner(localAccount, behind),
    rules.lateBuckets && lateBuckets(rules.lateBuckets),
    rules.endpointRoutes && endpointRoutes(behind),
    rules.profileRoles && profileRoles(behind),
    rules.deleteMarkers && deleteMarkers(),
    rules.localZones && localZones(),
    rules.missingImages && missingImages(),
    rules.freeImages && freeImages(rules.freeImages),
    rules.olderConsoles && olderConsoles(),
    rules.shellSessions && shellSessions(behind),
    rules.recordChanges && recordChanges(rules.recordChanges),
    rules.quotas && quotas(rules.quotas, behind),
    rules.failedLaunches && failedLaunches(rules.failedLaunches, behind),
    rules.failedStorage && failedStorage(rules.failedStorage),
    rules.offeredZones && offeredZones(rules.offeredZones),
    rules.profileDelay && profileDelay(rules.profileDelay, behind),
    rules.lateVisibility && lateVisibility(rules.lateVisibility),
    rules.dependencies && dependencies(lives, behind),
    rules.dependencies && lingeringInterfaces(lives),
    rules.volumeStates && volumeStates({ ...rules.volumeStates, lives, behind }),
    // Last, and always active: the dependency rule too needs to know what an instance holds.
    instanceStates(lives, behind),
  ];
  return compose(chosen.filter((rule) => rule !== false));
}

/** No rules. A test adds the rule under test. */
export const noRules: Rules = {
  clientTokens: false,
  dryRun: false,
  inputLimits: false,
  bucketOwner: false,
  endpointRoutes: false,
  profileRoles: false,
  failedLaunches: false,
  failedStorage: false,
  offeredZones: false,
  deleteMarkers: false,
  localZones: false,
  missingImages: false,
  freeImages: false,
  quotas: false,
  profileDelay: false,
  lateVisibility: false,
  lateBuckets: false,
  instanceStates: false,
  dependencies: false,
  volumeStates: false,
  pagination: false,
  objectAge: false,
  ignoredConditions: false,
  olderConsoles: false,
  shellSessions: false,
  recordChanges: false,
  ignoredFilters: false,
};
