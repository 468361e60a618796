import type { Attack } from "./attack.ts";
import { knock } from "./knock.ts";
import { headOf } from "./wire.ts";

const asOne = "passed on as one request: 200";
const closing = "Connection: close";
const hidden = "GET /hidden-~ HTTP/1.1\r\n";
const head = (line: string, ...headers: readonly string[]) => headOf(line, "Host: app", ...headers, closing);

/** What is sent, with ~ in place of a token, and what the edge must do. */
type Try = readonly [string, string];

/** Ways to say what is wanted that only some servers understand. */
const lines: Record<string, Try> = {
  "HTTP/0.9": ["GET /~\r\n", "refused: without a head"],
  "HTTP/2.0": [head("GET /~ HTTP/2.0"), "refused: 505"],
  "HTTP/9.9": [head("GET /~ HTTP/9.9"), "refused: 505"],
  "HTTP/1.1 in small letters": [head("GET /~ http/1.1"), "refused: 400"],
  "a tab for a blank": [head("GET\t/~ HTTP/1.1"), "refused: 400"],
  "a blank inside the path": [head("GET /~ /hidden-~ HTTP/1.1"), "refused: 400"],
  "a NUL in the path": [head("GET /~\0 HTTP/1.1"), "refused: 400"],
  "a bare CR for a line end": [head("GET /~ HTTP/1.1").replaceAll("\r\n", "\r"), "refused: 400"],
  "bare LF for line ends": [head("GET /~ HTTP/1.1").replaceAll("\r\n", "\n"), asOne],
  "blank lines before it": [`\r\n\r\n${head("GET /~ HTTP/1.1")}`, asOne],
  "the address of another host": [head("GET http://other.example/~ HTTP/1.1"), asOne],
  "the address of a file": [head("GET file:///~ HTTP/1.1"), "refused: 400"],
  "an authority with a password": [head("GET http://a:b@app/~ HTTP/1.1"), "refused: 400"],
  "HTTP/2 without TLS": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused: 400"],
  "TLS where none is": ["\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003", "refused: 400"],
  "three requests in one": [
    headOf("GET /~-1 HTTP/1.1", "Host: app") +
      headOf("GET /~-2 HTTP/1.1", "Host: app") +
      head("GET /~-3 HTTP/1.1"),
    "passed on as 3 requests: 200 200 200",
  ],
  "a body behind GET": [head("GET /~ HTTP/1.1", "Content-Length: 39") + hidden, asOne],
  "a body behind HEAD": [head("HEAD /~ HTTP/1.1", "Content-Length: 39") + hidden, asOne],
  "a body behind 100-continue": [
    head("POST /~ HTTP/1.1", "Expect: 100-continue", "Content-Length: 39") + hidden,
    "passed on as one request: 100 200",
  ],
};

const methods: Record<string, string> = {
  TRACE: "refused: 405",
  CONNECT: "refused: 405",
  TRACK: asOne,
  DEBUG: asOne,
  PROPFIND: asOne,
  "M-SEARCH": asOne,
  get: "refused: 400",
  "GE\u00a7T": "refused: 400",
  ["A".repeat(9000)]: "refused: 414",
};

const heads: Record<string, Try> = {
  "no Host": [headOf("GET /~ HTTP/1.1", closing), "refused: 400"],
  "two Hosts": [head("GET /~ HTTP/1.1", "Host: other"), "refused: 400"],
  "a Host with a path": [headOf("GET /~ HTTP/1.1", "Host: app/../x", closing), "refused: 400"],
  "a Host with a blank": [headOf("GET /~ HTTP/1.1", "Host: app other", closing), "refused: 400"],
  "a Host with a NUL": [headOf("GET /~ HTTP/1.1", "Host: app\0", closing), "refused: 400"],
  "a header without a colon": [head("GET /~ HTTP/1.1", "nothing"), asOne],
  "a header without a name": [head("GET /~ HTTP/1.1", ": x"), "refused: 400"],
  "a name with a blank": [head("GET /~ HTTP/1.1", "X Y: z"), "refused: 400"],
  "a name with an underscore": [head("GET /~ HTTP/1.1", "X_Real_IP: 1.2.3.4"), asOne],
  "a value with a NUL": [head("GET /~ HTTP/1.1", "X: \0"), "refused: 400"],
  "a value with a bare CR": [head("GET /~ HTTP/1.1", "X: a\rGET /hidden-~ HTTP/1.1"), "refused: 400"],
  "a folded value": [head("GET /~ HTTP/1.1", "X: a\r\n GET /hidden-~ HTTP/1.1"), "refused: 400"],
  "Connection that names a header": [head("GET /~ HTTP/1.1", "Connection: close, X-Real-IP"), asOne],
  "Upgrade to something unknown": [head("GET /~ HTTP/1.1", "Upgrade: TLS/1.0"), asOne],
};

const paths: Record<string, Try> = {
  "up and away": [head("GET /../../etc/passwd?~ HTTP/1.1"), "refused: 400"],
  "up, encoded": [head("GET /%2e%2e/%2e%2e/etc/passwd?~ HTTP/1.1"), "refused: 400"],
  "up, its slash encoded": [head("GET /..%2f..%2fetc/passwd?~ HTTP/1.1"), "refused: 400"],
  "up, encoded twice": [head("GET /%252e%252e/etc/passwd?~ HTTP/1.1"), asOne],
  "up, in long UTF-8": [head("GET /%c0%ae%c0%ae/etc/passwd?~ HTTP/1.1"), asOne],
  "up, with backslashes": [head("GET /..\\..\\etc\\passwd?~ HTTP/1.1"), asOne],
  "up, with a semicolon": [head("GET /a/..;/..;/etc/passwd?~ HTTP/1.1"), asOne],
  "an encoded NUL": [head("GET /%00?~ HTTP/1.1"), "refused: 400"],
  "an encoded line end": [head("GET /%0d%0aX-Real-IP:%201.2.3.4?~ HTTP/1.1"), asOne],
  "an encoding cut off": [head("GET /%2?~ HTTP/1.1"), "refused: 400"],
  "no slash at first": [head("GET ~ HTTP/1.1"), "refused: 400"],
  "two slashes": [head("GET //other.example/?~ HTTP/1.1"), asOne],
  "the edge's own place": [head("GET /@unavailable?~ HTTP/1.1"), asOne],
  "a star": [head("OPTIONS * HTTP/1.1"), "refused: 400"],
};

const attack = (name: string, [text, expected]: Try): Attack => ({
  from: "visitor",
  name,
  expected,
  attempt: (target) => knock(target, (token) => [Buffer.from(text.replaceAll("~", token), "latin1")]),
});

const all = (kind: string, tries: Readonly<Record<string, Try>>) =>
  Object.entries(tries).map(([name, one]) => attack(`${kind}: ${name}`, one));

export const requestLines: readonly Attack[] = [
  ...all("request line", lines),
  ...Object.entries(methods).map(([method, expected]) =>
    attack(`method: ${method.slice(0, 12)}`, [head(`${method} /~ HTTP/1.1`), expected]),
  ),
  ...all("head", heads),
  ...all("path", paths),
];
