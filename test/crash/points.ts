import type { Point as Reached } from "../behaving-aws/hooks.ts";
import type { LoggedCall } from "../behaving-aws/calls.ts";
import type { Scenario } from "./scenarios.ts";

/** Where a run is killed: a call that changes something, and how far it has come. */
export interface CrashPoint {
  readonly scenario: Scenario;
  /** `ec2:RunInstances`, `s3:PutObject state.json` */
  readonly operation: string;
  /** The how-manieth call of the operation in the run, refused ones included; from 1. */
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
  return key === "" ? `s3:${operation}` : `s3:${operation} ${key}`;
}

/** One call of an undisturbed run. */
export interface Recorded {
  readonly operation: string;
  readonly ordinal: number;
  readonly isRefused: boolean;
}

/** Takes down every write of a run as it goes by. */
export class Recording {
  readonly #counts = new Map<string, number>();
  readonly #ordinals = new Map<number, Recorded>();

  /** To be told of each point of each call. */
  see({ stage, call, status }: Reached): Recorded | undefined {
    if (call.kind !== "write") return undefined;
    const operation = operationOf(call);
    if (stage === "arrived") {
      const ordinal = (this.#counts.get(operation) ?? 0) + 1;
      this.#counts.set(operation, ordinal);
      this.#ordinals.set(call.number, { operation, ordinal, isRefused: false });
    }
    const seen = this.#ordinals.get(call.number);
    if (seen === undefined || status === undefined) return seen;
    const known = { ...seen, isRefused: status >= 400 };
    this.#ordinals.set(call.number, known);
    return known;
  }

  get writes(): readonly Recorded[] {
    return [...this.#ordinals.values()];
  }
}

/** Every point of every call that had an effect. A call that AWS refused has none: before and after it is the same place. */
export function pointsOf(scenario: Scenario, writes: readonly Recorded[]): CrashPoint[] {
  return writes
    .filter(({ isRefused }) => !isRefused)
    .flatMap(({ operation, ordinal }) => stages.map((stage) => ({ scenario, operation, ordinal, stage })));
}

/** Calls that are still under way. */
export function openCalls(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  return calls.filter(({ outcome }) => outcome === undefined);
}
