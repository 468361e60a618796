import { systemCodeOf } from "../../lib/system-errors.ts";

const patienceMs = 10_000;
const atOnce = 8;

/** How many requests ended with each status, or with each error code where there was no answer. */
export type Answers = ReadonlyMap<string, number>;

/** Sends GET requests to a URL, several at a time and without retries, and counts how they ended. */
export async function countAnswers(url: string, total: number): Promise<Answers> {
  const answers = new Map<string, number>();
  let left = total;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const answer = await get(url);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return answers;
}

/** `200 of 200 requests to URL were answered with 200`, and how the others ended. */
export function describeAnswers(url: string, answers: Answers): string {
  const good = answers.get("200") ?? 0;
  const total = [...answers.values()].reduce((sum, count) => sum + count, 0);
  const others = [...answers].filter(([answer]) => answer !== "200");
  const rest = others.map(([answer, count]) => `${String(count)} with ${answer}`).join(", ");
  const sentence = `${String(good)} of ${String(total)} requests to ${url} were answered with 200`;
  return rest === "" ? sentence : `${sentence}; ${rest}`;
}

async function get(url: string): Promise<string> {
  const limit = new AbortController();
  // AbortSignal.timeout would not keep the process alive when it waits only for a lost connection.
  const timer = setTimeout(() => limit.abort(), patienceMs);
  try {
    const response = await fetch(url, { signal: limit.signal });
    await response.arrayBuffer();
    return String(response.status);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { cause } = error;
    return systemCodeOf(cause) ?? error.name;
  } finally {
    clearTimeout(timer);
  }
}
