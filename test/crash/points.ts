import type { Point as Reached } from "../strict-aws/hooks.ts";
import type { LoggedCall } from "../strict-aws/calls.ts";
import { leaseKey } from "../../state/lease/lease.ts";
import { stateKey } from "../../state/store.ts";
import { SavedChanges } from "./saved-changes.ts";
import type { Scenario } from "./scenarios.ts";

/** Where a run is killed: at a call that changes something, and how far the call has come. */
export interface CrashPoint {
  readonly scenario: Scenario;
  /** `ec2:RunInstances`, `s3:PutObject release.json`, `s3:PutObject state.json (vpc)` */
  readonly operation: string;
  /** The number of the call among the run's calls of this operation that weren't refused, from 1. */
  readonly ordinal: number;
  readonly stage: Stage;
}

export const stages = ["arrived", "decided", "answered"] as const;
export type Stage = (typeof stages)[number];

export const stageWords: Record<Stage, string> = {
  arrived: "before",
  decided: "after its effect",
  answered: "after its reply",
};

/** `first ec2:RunInstances#3 after its effect` */
export function describePoint({ scenario, operation, ordinal, stage }: CrashPoint): string {
  return `${scenario.name} ${operation}#${ordinal} ${stageWords[stage]}`;
}

export function operationOf({ service, operation, url }: Reached["call"]): string {
  if (service !== "s3") return `${service}:${operation}`;
  const key = new URL(url, "http://s3").pathname.split("/").slice(2).join("/");
  // Each probe of the bucket has a random name.
  const name = key.replace(/^probe\/.*/, "probe");
  return name === "" ? `s3:${operation}` : `s3:${operation} ${name}`;
}

/** One call of an undisturbed run, or one of the changes in a save of the state. */
export interface Recorded {
  readonly operation: string;
  readonly ordinal: number;
}

/**
 * Records every write of a run under names that are the same in each such run. A call that AWS refused and that is
 * repeated counts once; a save of the state counts as the changes in it.
 */
export class Recording {
  readonly #saved: SavedChanges;
  /** The recorded writes by call number. Refused calls are removed. */
  readonly #seen = new Map<number, readonly Recorded[]>();

  /** `before`: the state that the run finds. */
  constructor(before: string | undefined) {
    this.#saved = new SavedChanges(before);
  }

  /** Must be called at each point of each call. Returns the recorded names of the call; none if it isn't a write. */
  see({ stage, call, status = 200 }: Reached): readonly Recorded[] {
    if (call.kind !== "write") return [];
    if (stage === "arrived") this.#seen.set(call.number, this.#name(call));
    const seen = this.#seen.get(call.number) ?? [];
    if (status >= 400) this.#seen.delete(call.number);
    return seen;
  }

  get writes(): readonly Recorded[] {
    return [...this.#seen.values()].flat();
  }

  #name(call: Reached["call"]): Recorded[] {
    const operation = operationOf(call);
    if (operation.endsWith(savingState) && call.body instanceof Buffer) {
      return this.#saved.tell(call.body.toString()).map((said) => this.#count(`${operation} (${said})`));
    }
    const counted = this.#count(operation);
    // How many pages of deletions a bucket needs depends on the number of saves. The second page stands for all further
    // ones.
    return operation === "s3:DeleteObjects" && counted.ordinal > 2 ? [] : [counted];
  }

  /** The lowest free number. The number of a refused call is free again. */
  #count(operation: string): Recorded {
    const taken = new Set(
      this.writes.filter((one) => one.operation === operation).map(({ ordinal }) => ordinal),
    );
    let ordinal = 1;
    while (taken.has(ordinal)) ordinal += 1;
    return { operation, ordinal };
  }
}

const savingState = `PutObject ${stateKey}`;
const renewal = { operation: `s3:PutObject ${leaseKey}`, ordinal: 2 };

export const isRenewal = ({ operation, ordinal }: Recorded): boolean =>
  operation === renewal.operation && ordinal === renewal.ordinal;

/**
 * Every point of every call that had an effect. A refused call has none, so before and after it is the same state. For
 * the renewal scenario, only the points of the renewal.
 */
export function pointsOf(scenario: Scenario, writes: readonly Recorded[]): CrashPoint[] {
  const chosen = scenario.name === "renewal" ? writes.filter(isRenewal) : writes;
  if (chosen.length === 0) throw new TypeError(`${scenario.name} has nothing to be killed at`);
  return chosen.flatMap(({ operation, ordinal }) =>
    stages.map((stage) => ({ scenario, operation, ordinal, stage })),
  );
}

/** Calls that are still under way. */
export function openCalls(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  return calls.filter(({ outcome }) => outcome === undefined);
}
