import { setTimeout as sleep } from "node:timers/promises";

/** What a number of clients got while something else went on: statuses, or the error's code where there was none. */
export type Answers = ReadonlyMap<number | string, number>;

// Together under the rate that the edge lets one address have.
const pauseMs = 50;

/** Keeps asking, as eight clients that keep their connections, until `during` has ended. */
export async function askDuring(url: string, during: () => Promise<unknown>): Promise<Answers> {
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
  // AbortSignal.timeout would not keep the process while a lost connection is all that it waits for.
  const timer = setTimeout(() => limit.abort(), 5000);
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
