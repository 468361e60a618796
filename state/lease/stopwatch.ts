/**
 * Milliseconds since it was started, by whichever clock says more. The monotonic clock stands still while a computer
 * sleeps, so it alone would take an hour with the lid closed for nothing; the wall clock can be set back.
 */
export type Stopwatch = () => number;

export function startStopwatch(): Stopwatch {
  const monotonicMs = performance.now();
  const wallMs = Date.now();
  return () => Math.max(performance.now() - monotonicMs, Date.now() - wallMs);
}
