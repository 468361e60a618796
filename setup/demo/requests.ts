import plain, { Agent as PlainAgent } from "node:http";
import secure, { Agent as SecureAgent } from "node:https";
import { systemCodeOf } from "../../lib/system-errors.ts";

const patienceMs = 60_000;
const atOnce = 8;

/** How many requests ended with each status, or with each error code where there was no answer. */
export type Answers = ReadonlyMap<string, number>;

/**
 * Sends GET requests to a URL, several at a time and without retries, and counts how they ended. By HTTPS it trusts
 * `authority` alone, a certificate as PEM.
 */
export async function countAnswers(url: string, total: number, authority?: string): Promise<Answers> {
  const answers = new Map<string, number>();
  const kept = { keepAlive: true, maxSockets: atOnce };
  const agent = url.startsWith("https:")
    ? new SecureAgent({ ...kept, ...(authority === undefined ? {} : { ca: authority }) })
    : new PlainAgent(kept);
  let left = total;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const answer = await get(url, agent);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  agent.destroy();
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

function get(url: string, agent: SecureAgent | PlainAgent): Promise<string> {
  const { request } = url.startsWith("https:") ? secure : plain;
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve(systemCodeOf(error) ?? error.name);
    const asked = request(url, { agent, timeout: patienceMs }, (response) => {
      response.once("error", fail).once("end", () => resolve(String(response.statusCode)));
      response.resume();
    });
    asked.once("timeout", () => asked.destroy(new Error("TimeoutError")));
    asked.once("error", fail).end();
  });
}
