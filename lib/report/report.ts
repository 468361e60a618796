import type { Call } from "../aws/clients.ts";
import type { Named } from "../engine/owned.ts";
import type { Progress } from "../engine/progress.ts";
import type { BerthError } from "../errors.ts";
import type { LogLine } from "./log-line.ts";
import type { ShownPlan } from "./shown-plan.ts";

export interface ChangeCounts {
  readonly created: number;
  readonly updated: number;
  readonly replaced: number;
  readonly removed: number;
}

/** The last event that every command prints with `--json`. docs/events.md describes it. */
export interface Summary {
  readonly command: string;
  readonly outcome: "done" | "unchanged" | "changes-pending" | "failed" | "interrupted" | "left-behind";
  readonly changes: ChangeCounts;
  readonly calls: { readonly read: number; readonly write: number };
  readonly url?: string | undefined;
  readonly left?: readonly Named[] | undefined;
  readonly durationMs: number;
}

/**
 * Receives everything that a user sees. There is one report for people and one for machines; commands don't know which
 * one they use.
 */
export interface Report extends Progress {
  /** Prints one or more lines about the progress to stderr. A line break inside a line doesn't start a new one. */
  message(text: string | readonly string[]): void;
  /** Prints a line that the app or a host logged to stdout. */
  log(line: LogLine): void;
  /** Prints data that the user asked for to stdout: `event` and `values` are for machines, `lines` for people. */
  data(event: string, values: object, lines: readonly string[]): void;
  /** Prints what a command is about to do to stderr: as `data`, but it isn't what the user asked for. */
  announce(event: string, values: object, lines: readonly string[]): void;
  /** Prints a stored text to stdout, with all its lines in full. */
  raw(event: string, values: object, text: string): void;
  plan(plan: ShownPlan, asData: boolean): void;
  error(error: BerthError): void;
  summary(summary: Summary): void;
  /** Ends all live output on the terminal. */
  close(): void;
}

/** Counts what a run does, as it happens. */
export class Tally {
  readonly calls: Call[] = [];
  readonly #changes = { created: 0, updated: 0, replaced: 0, removed: 0 };
  readonly #seconds = new Map<string, number>();
  readonly startedMs = performance.now();

  /** Notes a step that is done, and how long it took. */
  ended(name: string, action: string, durationMs: number): void {
    this.#changed(action);
    this.#seconds.set(name, Math.round(durationMs / 100) / 10);
  }

  #changed(action: string): void {
    const counter = counters[action];
    if (counter !== undefined) this.#changes[counter] += 1;
  }

  /** How many seconds each step took that is done. */
  get seconds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#seconds);
  }

  get changes(): ChangeCounts {
    return { ...this.#changes };
  }

  countCalls(): Summary["calls"] {
    const write = this.calls.filter(({ kind }) => kind === "write").length;
    return { read: this.calls.length - write, write };
  }
}

const counters: Readonly<Record<string, keyof ChangeCounts>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  remove: "removed",
};
