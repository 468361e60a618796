import type { Interrupt } from "../command/command.ts";

/** Signals that no longer end this process. */
export interface HeldSignals {
  /** Whether this process was asked to end. */
  readonly asked: () => boolean;
  /** Is told of it. */
  readonly onAsked: (listener: (signal: NodeJS.Signals) => void) => void;
}

/** What a keyboard sends to every process of its terminal, so also to the program that has the terminal then. */
const typed = ["SIGINT", "SIGQUIT", "SIGTSTP"] as const;
const ending = ["SIGTERM", "SIGHUP"] as const;

/** For the rest of the command: what it began elsewhere has to be ended, even if the terminal is closed. */
export function holdSignals(interrupt: Interrupt): HeldSignals {
  const listeners: ((signal: NodeJS.Signals) => void)[] = [];
  let isAsked = false;
  const note = (signal: NodeJS.Signals) => {
    isAsked = true;
    for (const listener of listeners) listener(signal);
  };
  for (const signal of typed) process.on(signal, () => undefined);
  for (const signal of ending) process.on(signal, note);
  interrupt.stop();
  return { asked: () => isAsked, onAsked: (listener) => void listeners.push(listener) };
}
