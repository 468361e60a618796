import type { Attack } from "./attack.ts";
import type { Target } from "./target.ts";
import { exchange, headOf, newToken } from "./wire.ts";

const claim = "claimed.example";

/** What a client may say of who it is, where it came from, or what was decided about it. */
const claims: readonly string[] = [
  "X-Forwarded-Anything",
  "X-Original-Anything",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Server",
  "X-Forwarded-Prefix",
  "X-Forwarded-User",
  "X-Forwarded-Ssl",
  "X_Forwarded_For",
  "X-Real-IP",
  "Forwarded",
  "Proxy",
  "X-Original-URL",
  "X-Original-Host",
  "X-Rewrite-URL",
  "X-HTTP-Method-Override",
  "X-Client-IP",
  "True-Client-IP",
  "CF-Connecting-IP",
];

/** Sends a header twice, in two spellings, and looks whether the app got what it claims. */
const forge = (header: string): Attack => ({
  from: "visitor",
  name: `forged header: ${header}`,
  expected: "not believed",
  attempt: async ({ address, app }) => {
    const token = newToken();
    const headers = [header, header.toLowerCase()].map((name) => `${name}: ${claim}`);
    await exchange({
      address,
      parts: [headOf(`GET /${token} HTTP/1.1`, "Host: app", ...headers, "Connection: close")],
    });
    const [head] = await app.seen(token);
    if (head === undefined) return "refused";
    return head.includes(claim) ? "passed on to the app" : "not believed";
  },
});

/** A request that asks to speak another protocol, and then speaks past the edge. */
async function upgrade({ address, app }: Target, protocol: string): Promise<string> {
  const token = newToken();
  const first = headOf(
    `GET /${token} HTTP/1.1`,
    "Host: app",
    `Upgrade: ${protocol}`,
    "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
  );
  const { statuses } = await exchange({
    address,
    parts: [first, `hidden-${token} X-Real-IP: 1.2.3.4\r\n`],
    patienceMs: 1500,
  });
  const heads = await app.seen(token);
  if (heads.some((head) => head.startsWith("unchecked:"))) return "the client speaks past the edge";
  if (heads.some((head) => /^http2-settings:/im.test(head))) return "passed on with HTTP2-Settings";
  return statuses.includes("101") ? "a tunnel was opened" : "an ordinary request";
}

const smuggle = (protocol: string): Attack => ({
  from: "visitor",
  name: `upgrade: ${protocol}`,
  expected: "an ordinary request",
  attempt: (target) => upgrade(target, protocol),
});

/** Paths that a log which believes them would be broken by. */
const logged: Record<string, string> = {
  "bytes that are no UTF-8": "/%ff%fe",
  "a quote and a brace": "/%22,%22status%22:200%7d",
  "a line end": "/%0a%7b%22forged%22:1%7d",
  "an escape code": "/%1b%5b2J",
  "a backslash at the end": "/%5c",
};

const misread = (what: string, path: string): Attack => ({
  from: "visitor",
  name: `log: ${what} in a path`,
  expected: "one line of JSON",
  attempt: async ({ address, machine }) => {
    const token = newToken();
    const parts = [
      headOf(`GET ${path} HTTP/1.1`, "Host: app", `X-Request-ID: ${token}`, "Connection: close"),
    ];
    await exchange({ address, parts });
    const program = [
      "import json, time",
      "lines, deadline = [], time.monotonic() + 120",
      // The edge logs a request when its client already has the answer.
      "while not lines and time.monotonic() < deadline:",
      "  time.sleep(0.1)",
      `  lines = [line for line in open('/var/log/berth/edge.log', 'rb') if b'${token}' in line]`,
      "try: print(len(lines), type(json.loads(lines[0].decode('utf-8')).get('path')).__name__)",
      "except ValueError as error: print(error)",
    ].join("\n");
    const said = await machine(
      `python3 -c "$(printf %s '${Buffer.from(program).toString("base64")}' | base64 -d)"`,
    );
    return said === "1 str" ? "one line of JSON" : said;
  },
});

export const forgery: readonly Attack[] = [
  ...claims.map(forge),
  ...["h2c", "H2C", "h2c, websocket", "websocket, h2c", "anything"].map(smuggle),
  ...Object.entries(logged).map(([what, path]) => misread(what, path)),
];
