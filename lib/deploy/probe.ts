import { lookUntil } from "../poll.ts";

export interface Probe {
  readonly isHealthy: boolean;
  /** HTTP status of the last response; absent if there was none. */
  readonly status?: number;
  readonly durationMs: number;
  readonly attempts: number;
  /** Why there was no response. */
  readonly reason?: string;
}

export interface ProbeOptions {
  readonly signal: AbortSignal;
  readonly patienceMs: number;
}

const answerWithinMs = 5_000;

/**
 * Requests the app as its users do until it responds with a status below 500 or patience ends. One bad response proves
 * nothing: the app may fail some of its requests by design.
 */
export async function probe(url: string, { signal, patienceMs }: ProbeOptions): Promise<Probe> {
  let last: Probe = { isHealthy: false, durationMs: 0, attempts: 0 };
  const ctx = { signal, note: () => {}, timings: { firstMs: 500, longestMs: 500 } };
  await lookUntil(ctx, {
    what: `${url} to respond`,
    timeoutMs: patienceMs,
    look: async () => {
      const startedMs = performance.now();
      const seen = await request(url, signal);
      const durationMs = Math.round(performance.now() - startedMs);
      const isHealthy = seen.status !== undefined && seen.status < 500;
      last = { isHealthy, ...seen, durationMs, attempts: last.attempts + 1 };
      return isHealthy ? { done: true } : { waiting: seen.reason ?? `status ${seen.status}` };
    },
  });
  return last;
}

async function request(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; reason?: never } | { status?: never; reason: string }> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  // AbortSignal.timeout doesn't keep the process alive: if the connection were lost, the process could exit silently.
  const timer = setTimeout(
    () => limit.abort(new Error(`no answer within ${answerWithinMs} ms`)),
    answerWithinMs,
  );
  signal.addEventListener("abort", stop);
  try {
    const response = await fetch(url, { signal: limit.signal, redirect: "manual" });
    await response.body?.cancel();
    return { status: response.status };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { reason: cause instanceof Error ? cause.message : String(cause) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
