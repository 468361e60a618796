import type { Call } from "../aws/clients.ts";
import type { Named } from "../engine/owned.ts";
import type { Progress } from "../engine/progress.ts";
import type { Plan } from "../engine/plan.ts";
import type { BerthError } from "../errors.ts";

export interface Changes {
  readonly created: number;
  readonly updated: number;
  readonly replaced: number;
  readonly removed: number;
}

/** The last event of every command with `--json`; docs/events.md describes it. */
export interface Summary {
  readonly command: string;
  readonly outcome: "done" | "unchanged" | "changes-pending" | "failed" | "interrupted" | "left-behind";
  readonly changes: Changes;
  readonly calls: { readonly read: number; readonly write: number };
  readonly url?: string | undefined;
  readonly left?: readonly Named[] | undefined;
  readonly durationMs: number;
}

/** Where everything goes that a user sees. One for people, one for machines; commands don't know which. */
export interface Report extends Progress {
  /** A sentence about what goes on, or lines of it, on stderr. A line break inside of one starts no new one. */
  message(text: string | readonly string[]): void;
  /** Data that the user asked for, on stdout: `event` names it for machines, the lines are for people. */
  data(event: string, values: object, lines: readonly string[]): void;
  /** A stored text itself, on stdout: all of its lines, none of them cut. */
  raw(event: string, values: object, text: string): void;
  plan(plan: Plan, asData: boolean): void;
  error(error: BerthError): void;
  summary(summary: Summary): void;
  /** Ends whatever is drawn on the terminal. */
  close(): void;
}

/** What a run did, counted as it happens. */
export class Tally {
  readonly calls: Call[] = [];
  readonly #changes = { created: 0, updated: 0, replaced: 0, removed: 0 };
  readonly startedMs = performance.now();

  changed(action: string): void {
    const counter = counters[action];
    if (counter !== undefined) this.#changes[counter] += 1;
  }

  get changes(): Changes {
    return { ...this.#changes };
  }

  countCalls(): Summary["calls"] {
    const write = this.calls.filter(({ kind }) => kind === "write").length;
    return { read: this.calls.length - write, write };
  }
}

const counters: Readonly<Record<string, keyof Changes>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  remove: "removed",
};
