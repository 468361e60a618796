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
  readonly warnings: readonly PlanWarning[];
}
