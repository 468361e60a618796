import plain from "node:http";
import secure from "node:https";
import { rootCertificates } from "node:tls";
import { lookUntil } from "../poll.ts";
import { lookupBy } from "./name-lookup.ts";

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
  /** Authorities to trust besides those of Node, as PEM. */
  readonly roots?: readonly string[] | undefined;
  /** `address:port` of the name server to ask instead of the computer's own. */
  readonly nameServer?: string | undefined;
  /** What the edge's log calls the requests. */
  readonly requestId?: string | undefined;
}

const answerWithinMs = 5_000;
const provingFailures = 20;

/**
 * Requests the app as its users do until it responds with a status below 500 or patience ends. One bad response proves
 * nothing: the app may fail some of its requests by design. Twenty of them and no good one do.
 */
export async function probe(url: string, options: ProbeOptions): Promise<Probe> {
  const { signal, patienceMs } = options;
  let last: Probe = { isHealthy: false, durationMs: 0, attempts: 0 };
  let failures = 0;
  const ctx = { signal, note: () => {}, timings: { firstMs: 500, longestMs: 500 } };
  await lookUntil(ctx, {
    what: `${url} to respond`,
    timeoutMs: patienceMs,
    look: async () => {
      const startedMs = performance.now();
      const seen = await request(url, options);
      const durationMs = Math.round(performance.now() - startedMs);
      const isHealthy = seen.status !== undefined && seen.status < 500;
      last = { isHealthy, ...seen, durationMs, attempts: last.attempts + 1 };
      failures += seen.status === undefined ? 0 : 1;
      return isHealthy || failures >= provingFailures
        ? { done: true }
        : { waiting: seen.reason ?? `status ${seen.status}` };
    },
  });
  return last;
}

/** Describes for people what a request from here has met; of an app that fails, with the end of its log. */
export function healthLines(health: Probe | undefined, log: readonly string[] = []): string[] {
  if (health === undefined) return ["health      no address yet"];
  const { status, reason = "no reason known", durationMs } = health;
  if (status === undefined) return [`health      no answer: ${reason}`];
  if (status < 500) return [`health      answers ${status} in ${durationMs} ms`];
  return [`health      the app answers, but with ${status}`, ...log.map((line) => `            | ${line}`)];
}

function request(
  url: string,
  { signal, roots, nameServer, requestId }: ProbeOptions,
): Promise<{ status: number; reason?: never } | { status?: never; reason: string }> {
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  // AbortSignal.timeout doesn't keep the process alive: if the connection were lost, the process could exit silently.
  const timer = setTimeout(
    () => limit.abort(new Error(`no answer within ${answerWithinMs} ms`)),
    answerWithinMs,
  );
  signal.addEventListener("abort", stop);
  const answered = new Promise<{ status: number }>((resolve, reject) => {
    const { request: ask } = url.startsWith("https:") ? secure : plain;
    const ca = roots === undefined ? {} : { ca: [...rootCertificates, ...roots] };
    const lookup = nameServer === undefined ? {} : { lookup: lookupBy(nameServer) };
    const headers = requestId === undefined ? {} : { "X-Request-ID": requestId };
    // Not `fetch`, which takes no further authorities.
    const asked = ask(url, { agent: false, signal: limit.signal, headers, ...ca, ...lookup }, (response) => {
      response.destroy();
      resolve({ status: response.statusCode ?? 0 });
    });
    asked.once("error", reject).end();
  });
  return answered
    .catch((error: unknown) => {
      signal.throwIfAborted();
      const cause: unknown = limit.signal.aborted ? limit.signal.reason : error;
      return { reason: cause instanceof Error ? cause.message : String(cause) };
    })
    .finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    });
}
