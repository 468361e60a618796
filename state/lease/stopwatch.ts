/**
 * Milliseconds since the start, by the clock that shows more. Neither clock is enough: the monotonic clock stops while a
 * computer sleeps, and the wall clock can be set back.
 */
export type Stopwatch = () => number;

export function startStopwatch(): Stopwatch {
  const monotonicMs = performance.now();
  const wallMs = Date.now();
  return () => Math.max(performance.now() - monotonicMs, Date.now() - wallMs);
}
