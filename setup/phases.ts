import { z } from "zod";
import { printNote } from "../lib/report/terminal.ts";

export interface Phase {
  readonly name: string;
  readonly seconds: number;
}

/** Times the phases of a run and reports those that a user has to wait for. */
export interface Phases {
  /**
   * Runs one phase. When it takes over a second, prints one line then and one with the seconds at its end; prints
   * nothing otherwise.
   */
  run<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Prints a line that a user should see even when all goes well. */
  note(text: string): void;
  /** The phases that have ended so far, in order of ending. */
  readonly ended: readonly Phase[];
}

export interface PhasesOptions {
  /** Takes whole lines, without a line break at the end. */
  readonly write: (line: string) => void;
  /** Phases that ended before this process began. */
  readonly before?: readonly Phase[];
  /** The time in milliseconds. Default: `performance.now()`. */
  readonly now?: () => number;
}

export function createPhases(options: PhasesOptions): Phases {
  const now = options.now ?? (() => performance.now());
  const ended: Phase[] = [...(options.before ?? [])];
  return {
    ended,
    note: (text) => options.write(text),
    async run(name, work) {
      const startedMs = now();
      const waiting = setTimeout(() => options.write(`${name} …`), 1000);
      const result = await work().finally(() => clearTimeout(waiting));
      const seconds = (now() - startedMs) / 1000;
      ended.push({ name, seconds });
      if (seconds >= 1) options.write(`${name}: ${seconds.toFixed(1)} s`);
      return result;
    },
  };
}

/** Reports the phases of a run on stderr. Those of bin/berth.mjs come first, which passes them on in BERTH_PHASES. */
export function phasesOnStderr(environment: NodeJS.ProcessEnv = process.env): Phases {
  return createPhases({
    write: printNote,
    before: handedOver.parse(JSON.parse(environment["BERTH_PHASES"] ?? "[]")),
  });
}

const handedOver = z.array(z.object({ name: z.string(), seconds: z.number() }));

/** Wall time by phase, as lines of a table, without phases under a tenth of a second. */
export function describePhases(phases: readonly Phase[]): string[] {
  const shown = phases.filter((phase) => phase.seconds >= 0.1);
  const width = Math.max(0, ...shown.map((phase) => phase.name.length));
  return shown.map((phase) => `${phase.name.padEnd(width)}  ${phase.seconds.toFixed(1).padStart(6)} s`);
}
