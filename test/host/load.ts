import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCodeOf } from "../../lib/system-errors.ts";

export interface Answer {
  readonly atMs: number;
  readonly durationMs: number;
  /** A status, or a system's or TLS's code where there was no answer. */
  readonly said: string;
  readonly body: string;
}

export interface LoadOptions {
  readonly url: string;
  readonly method?: "GET" | "POST";
  /** The authority that clients trust, for a URL of HTTPS. */
  readonly ca?: string;
  /** What a client waits between an answer and its next request. With 10 ms, all stay below the edge's limit for one address. */
  readonly pauseMs: number;
}

const clients = 8;
const patienceMs = 60_000;

/**
 * What eight clients got while something was done, and what that returned. Four keep their connection, and four open a new
 * one for each request.
 */
export async function loadDuring<Result>(
  options: LoadOptions,
  during: () => Promise<Result>,
): Promise<{ readonly answers: readonly Answer[]; readonly result: Result }> {
  const ended = new AbortController();
  const asked = askWhile(options, () => !ended.signal.aborted);
  const result = await during().finally(() => ended.abort());
  return { answers: await asked, result };
}

/** What the same clients get for so many requests. */
export function askMany(options: LoadOptions, requests: number): Promise<readonly Answer[]> {
  let left = requests;
  return askWhile(options, () => left-- > 0);
}

async function askWhile(options: LoadOptions, isWanted: () => boolean): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const { Agent } = schemeOf(options);
  const client = async (isKept: boolean) => {
    // Each its own: of a common one, the connection that was used last is used next, and nginx ends the others as idle.
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    while (isWanted()) {
      answers.push(await ask(options, isKept && kept));
      await sleep(options.pauseMs);
    }
    kept.destroy();
  };
  await Promise.all(Array.from({ length: clients }, (_none, index) => client(index % 2 === 0)));
  return answers;
}

const schemeOf = ({ url }: LoadOptions) => (url.startsWith("https:") ? https : http);

function ask(options: LoadOptions, agent: http.Agent | false): Promise<Answer> {
  const { url, ca, method = "GET" } = options;
  const atMs = performance.now();
  return new Promise((resolve) => {
    const end = (said: string, body = "") =>
      resolve({ atMs, durationMs: performance.now() - atMs, said, body });
    const fail = (error: unknown) => end(systemCodeOf(error) ?? String(error));
    const asked = schemeOf(options).request(url, { ca, agent, method, timeout: patienceMs }, (response) => {
      text(response).then((body) => end(String(response.statusCode), body), fail);
    });
    asked
      .once("timeout", () => asked.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })))
      .once("error", fail)
      .end();
  });
}

/** What clients got in place of a 200: how often each. */
export function lossesOf(answers: readonly Answer[]): ReadonlyMap<string, number> {
  const losses = new Map<string, number>();
  for (const { said } of answers) if (said !== "200") losses.set(said, (losses.get(said) ?? 0) + 1);
  return losses;
}

/** How many requests were lost, and what their clients got instead: a cell of a table. */
export function lossText(answers: readonly Answer[]): string {
  const losses = lossesOf(answers);
  const count = [...losses.values()].reduce((total, one) => total + one, 0);
  return count === 0 ? "0" : `${count} (${[...losses.keys()].toSorted().join(", ")})`;
}
