import { setTimeout as delay } from "node:timers/promises";
import { BerthError, exitCodes } from "./errors.ts";

/** How long a wait lasts. The defaults suit AWS; the code that builds the context may set others. */
export interface PollTimings {
  readonly firstMs?: number;
  readonly longestMs?: number;
  /** Overrides the limit of every wait. */
  readonly timeoutMs?: number;
}

export interface PollContext {
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  readonly timings?: PollTimings;
}

/** The result of one look: the awaited answer, or the reason why it isn't there yet. */
export type Look<T> = { readonly done: T } | { readonly waiting: string };

export interface Wait<T> {
  /** What is awaited, worded to follow "waiting for": `instance i-0abc to run`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly hint?: string;
  readonly look: () => Promise<Look<T>>;
}

const defaults = {
  firstMs: 250,
  longestMs: 5000,
  hint: "run the same command again: it goes on where this one stopped",
};

/**
 * Looks until the answer is there: at once, then after 250 ms, doubling up to 5 s. `note` reports why it isn't there yet.
 *
 * @throws BerthError `TimedOut` with what was awaited and last seen; `Interrupted` if the signal is aborted between two looks.
 */
export async function poll<T>(ctx: PollContext, wait: Wait<T>): Promise<T> {
  const last = await lookUntil(ctx, wait);
  if ("done" in last) return last.done;
  throw timedOut(wait, last.waiting, limitOf(ctx, wait));
}

/** Like `poll`, but returns the last look's result at the time limit, for callers that can go on without the answer. */
export async function lookUntil<T>(ctx: PollContext, wait: Wait<T>): Promise<Look<T>> {
  const deadlineMs = performance.now() + limitOf(ctx, wait);
  for (let pauseMs = ctx.timings?.firstMs ?? defaults.firstMs; ; pauseMs *= 2) {
    const seen = await wait.look();
    const leftMs = deadlineMs - performance.now();
    if ("done" in seen || leftMs <= 0) return seen;
    ctx.note(seen.waiting);
    await pause(ctx, wait.what, Math.min(pauseMs, leftMs, ctx.timings?.longestMs ?? defaults.longestMs));
  }
}

const limitOf = ({ timings }: PollContext, { timeoutMs }: Wait<unknown>): number =>
  timings?.timeoutMs ?? timeoutMs;

export interface Retry<T> {
  readonly what: string;
  readonly timeoutMs: number;
  /** Whether an error is temporary. Any other error is thrown unchanged. */
  readonly retryOn: (error: unknown) => boolean;
  readonly attempt: () => Promise<T>;
  readonly hint?: string;
}

/**
 * Repeats a call until AWS accepts it. For errors that pass with time: a new resource isn't visible everywhere yet.
 *
 * @throws BerthError as `poll` does, with the last error as detail; any error that `retryOn` doesn't accept.
 */
export async function retry<T>(ctx: PollContext, { attempt, retryOn, ...wait }: Retry<T>): Promise<T> {
  const look = async (): Promise<Look<T>> => {
    try {
      return { done: await attempt() };
    } catch (error) {
      if (!retryOn(error)) throw error;
      return { waiting: `${wait.what}: ${error instanceof Error ? error.message : String(error)}` };
    }
  };
  return poll(ctx, { ...wait, look });
}

async function pause(ctx: PollContext, what: string, pauseMs: number): Promise<void> {
  try {
    await delay(pauseMs, undefined, { signal: ctx.signal });
  } catch (cause) {
    if (!ctx.signal.aborted) throw cause;
    throw new BerthError({
      code: "Interrupted",
      message: `interrupted while waiting for ${what}`,
      hint: defaults.hint,
      exitCode: exitCodes.interrupted,
      cause,
    });
  }
}

function timedOut(
  wait: Pick<Wait<unknown>, "what" | "hint">,
  lastSeen: string,
  timeoutMs: number,
): BerthError {
  return new BerthError({
    code: "TimedOut",
    message: `gave up waiting for ${wait.what} after ${Math.round(timeoutMs / 1000)} s`,
    detail: [`Last seen: ${lastSeen}`],
    hint: wait.hint ?? defaults.hint,
  });
}
