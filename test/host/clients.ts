import { setTimeout as sleep } from "node:timers/promises";

/**
 * The answers that several clients got while something else was going on: statuses, or the error's code where there was
 * no answer.
 */
export type Answers = ReadonlyMap<number | string, number>;

/**
 * Sends requests from eight clients with keep-alive connections until `during` has ended. With the usual pause, all clients
 * together stay under the edge's rate limit for one address; what lasts for minutes needs a longer one, or other tests
 * would have no processor.
 */
export async function askDuring(
  url: string,
  during: () => Promise<unknown>,
  { pauseMs = 50 } = {},
): Promise<Answers> {
  const answers = new Map<number | string, number>();
  const ended = new AbortController();
  const clients = Array.from({ length: 8 }, async () => {
    while (!ended.signal.aborted) {
      const answer = await ask(url);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      await sleep(pauseMs);
    }
  });
  try {
    await during();
  } finally {
    ended.abort();
    await Promise.all(clients);
  }
  return answers;
}

export async function ask(url: string): Promise<number | string> {
  const limit = new AbortController();
  // AbortSignal.timeout would not keep the process alive when it waits only for a lost connection.
  const timer = setTimeout(() => limit.abort(), 60_000);
  try {
    const response = await fetch(url, { signal: limit.signal });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof Error && "code" in cause ? String(cause.code) : String(error);
  } finally {
    clearTimeout(timer);
  }
}
