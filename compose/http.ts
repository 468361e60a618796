import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/**
 * Sends one request on a new connection, as a new visitor would, so that a dead earlier connection is never mistaken
 * for a fault. Rejects when there is no answer in time; any status is an answer.
 */
export function ask(
  url: string,
  { method = "GET", headers = {}, timeoutMs = 10_000 }: Asking = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const sent = request(
      url,
      { method, headers, agent, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        answer.setEncoding("utf8");
        let body = "";
        answer.on("data", (piece: string) => (body += piece));
        answer.once("error", reject);
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      },
    );
    sent.once("error", reject);
    sent.end();
  });
}

/** The first value of a header, or an empty string. */
export function readHeader({ headers }: Answer, name: string): string {
  const value = headers[name.toLowerCase()];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}
