import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../local/temporary-aws.ts";
import type { Attack } from "./attack.ts";
import { knock } from "./knock.ts";
import type { Target } from "./target.ts";
import { exchange, headOf } from "./wire.ts";

const asOne = "passed on as one request: 200";
const closing = "Connection: close";
const limitBytes = 10 << 20;

const get = (path: string, ...headers: readonly string[]) =>
  headOf(`GET ${path} HTTP/1.1`, "Host: app", ...headers, closing);
const post = (bytes: number) => headOf("POST /~ HTTP/1.1", "Host: app", `Content-Length: ${bytes}`, closing);
const times = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));

/** What is sent, with ~ in place of a token, and what the edge must do. */
const tries: Record<string, readonly [readonly (string | Buffer)[], string]> = {
  "a path of 9 KB": [[get(`/~${"a".repeat(9000)}`)], "refused: 414"],
  "a path of 1 MB": [[get(`/~${"a".repeat(1 << 20)}`)], "refused: 414"],
  "a path of 4,000 slashes": [[get(`/~${"/".repeat(4000)}`)], asOne],
  "a path of 1,300 steps up and down": [[get(`/~${"/a/..".repeat(1300)}`)], asOne],
  "a query of 9 KB": [[get(`/?~${"a".repeat(9000)}`)], "refused: 414"],
  "a header of 9 KB": [[get("/~", `X: ${"a".repeat(9000)}`)], "refused: 431"],
  "headers of 40 KB together": [
    [get("/~", ...times(40, (one) => `X-${one}: ${"a".repeat(1000)}`))],
    "refused: 431",
  ],
  "10,000 headers": [[get("/~", ...times(10_000, (one) => `X-${one}: 1`))], "refused: 431"],
  "1,000 cookies": [
    [get("/~", ...times(1000, (one) => `Cookie: a${one}=${"b".repeat(50)}`))],
    "refused: 431",
  ],
  "a Range of 1,000 pieces": [
    [get("/~", `Range: bytes=${times(1000, (one) => `${one}-`).join(",")}`)],
    asOne,
  ],
  "a body that says it is too long": [[post(limitBytes + 1)], "refused: 413"],
  "a body that says 2^62 bytes": [[post(2 ** 62)], "refused: 413"],
  "a body that waits for 100 and is too long": [
    [
      headOf(
        "POST /~ HTTP/1.1",
        "Host: app",
        `Content-Length: ${limitBytes + 1}`,
        "Expect: 100-continue",
        closing,
      ),
    ],
    "refused: 413",
  ],
  "a body of chunks that becomes too long": [
    [
      headOf("POST /~ HTTP/1.1", "Host: app", "Transfer-Encoding: chunked", closing),
      ...times(11, () => `100000\r\n${"x".repeat(1 << 20)}\r\n`),
    ],
    "refused: 413",
  ],
  "a chunk that says 2^60 bytes": [
    [headOf("POST /~ HTTP/1.1", "Host: app", "Transfer-Encoding: chunked", closing), "1000000000000000\r\nx"],
    "refused: 400",
  ],
  "a body of 100,000 chunks of a byte": [
    [
      headOf("POST /~ HTTP/1.1", "Host: app", "Transfer-Encoding: chunked", closing),
      `${"1\r\nx\r\n".repeat(100_000)}0\r\n\r\n`,
    ],
    asOne,
  ],
};

const attack = (name: string, expected: string, attempt: Attack["attempt"]): Attack => ({
  from: "visitor",
  name: `size: ${name}`,
  expected,
  attempt,
});

/** Longer than the edge waits for the next piece of a head. */
const slowMs = 120_000;

/** A head that never ends, a line now and then. */
async function sendSlowly({ address }: Target): Promise<string> {
  const socket = connect(80, address);
  const ended = new AbortController();
  for (const event of ["end", "close", "error"]) socket.on(event, () => ended.abort());
  socket.resume();
  socket.write("GET / HTTP/1.1\r\nHost: app\r\n");
  for (let waitedMs = 0; waitedMs < slowMs && !ended.signal.aborted; waitedMs += 500) {
    socket.write(`X-${waitedMs}: a\r\n`);
    await sleep(500);
  }
  socket.destroy();
  return ended.signal.aborted ? "the edge hung up" : "still open";
}

/** More silent connections than the 256 that one address may have, and then a visitor. */
async function holdMany({ address }: Target): Promise<string> {
  let refused = 0;
  const sockets = Array.from({ length: 300 }, () => {
    const socket = connect(80, address);
    socket.on("error", () => socket.destroy());
    socket.once("data", () => (refused += 1));
    socket.write("POST /hold HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\n");
    return socket;
  });
  await until(() => refused >= sockets.length - 256);
  const { statuses } = await exchange({ address, parts: [get("/")] });
  for (const socket of sockets) socket.destroy();
  return statuses.join() === "429" ? "one address is held back: 429" : `answered: ${statuses.join()}`;
}

export const sizes: readonly Attack[] = [
  ...Object.entries(tries).map(([name, [parts, expected]]) =>
    attack(name, expected, (target) =>
      knock(target, (token) =>
        parts.map((part) => Buffer.from(String(part).replaceAll("~", token), "latin1")),
      ),
    ),
  ),
  attack("a head of one line every half second", "the edge hung up", sendSlowly),
  { ...attack("300 bodies that never come", "one address is held back: 429", holdMany), alone: true },
];
