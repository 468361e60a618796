import type { Plan } from "../engine/plan.ts";

/** What a user should know before they agree to a plan. It never stops a run: what must stop one is a BerthError. */
export interface PlanWarning {
  /** Stable and machine-readable, in lower case: `private-files`. docs/events.md lists all. */
  readonly code: string;
  /** What may go wrong, and with what. One sentence; it needs no full stop. */
  readonly message: string;
  /** What to do about it, with the key of berth.yaml to change. */
  readonly hint?: string;
}

/** A plan with everything that is shown beside it. */
export interface ShownPlan extends Plan {
  readonly head: PlanHead;
  readonly warnings: readonly PlanWarning[];
}

/** Where a plan would be carried out, by whom, and what it comes to. */
export interface PlanHead {
  readonly account: string;
  /** The account's alias, if it has one and the caller may read it. */
  readonly accountAlias?: string;
  /** Whether it is the embedded AWS on this computer. */
  readonly isLocal: boolean;
  /** The caller's ARN. */
  readonly caller: string;
  readonly region: string;
  readonly stack: string;
  readonly instanceType: string;
  readonly diskGib: number;
  readonly machineImage: string;
  /** The open ports: `tcp/80 from 0.0.0.0/0`. */
  readonly ingress: readonly string[];
  /** The app's image: `berth/hello:src-0123456789abcdef`. */
  readonly image: string;
  /** The source folder's Git commit; absent if it is in no repository. */
  readonly commit?: string;
  /** Files of the source that differ from the commit. */
  readonly uncommitted?: readonly string[];
  readonly cost: CostEstimate;
}

export interface CostEstimate {
  /** USD a month; absent if Berth doesn't know every price. */
  readonly monthlyUsd?: number;
  /** The estimate and its parts for people, or what isn't known. */
  readonly text: string;
}
