import type { Attack } from "./attack.ts";
import { knock } from "./knock.ts";
import { headOf } from "./wire.ts";

/** What a try sends: `hidden` is the request that must not reach the app as one of its own. */
type Make = (hidden: string) => string;

const refused = "refused: 400";
const unknownCoding = "refused: 501";
const asOne = "passed on as one request: 200";

const post = (...headers: readonly string[]) => headOf("POST /outer HTTP/1.1", "Host: app", ...headers);
const chunked = (hidden: string) => `0\r\n\r\n${hidden}`;
const inChunk = (hidden: string) => `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
const closing = "Connection: close";

/** Two lengths at once: nobody may choose one of them. */
const bothLengths: Record<string, Make> = {
  "CL.TE": (hidden) =>
    post(`Content-Length: ${chunked(hidden).length}`, "Transfer-Encoding: chunked") + chunked(hidden),
  "TE.CL": (hidden) => post("Transfer-Encoding: chunked", "Content-Length: 4") + inChunk(hidden),
  "CL.TE in HTTP/1.0": (hidden) =>
    headOf(
      "POST /outer HTTP/1.0",
      `Content-Length: ${chunked(hidden).length}`,
      "Transfer-Encoding: chunked",
    ) + chunked(hidden),
  "TE alone in HTTP/1.0": (hidden) =>
    headOf("POST /outer HTTP/1.0", "Transfer-Encoding: chunked") + chunked(hidden),
  "CL.CL, two values": (hidden) => post("Content-Length: 0", `Content-Length: ${hidden.length}`) + hidden,
  "CL.CL, the same twice": (hidden) => post("Content-Length: 0", "Content-Length: 0") + hidden,
  "a list in Content-Length": (hidden) => post(`Content-Length: 0, ${hidden.length}`) + hidden,
};

const lengths: Record<string, string> = {
  "with a plus": "+0",
  "below zero": "-1",
  "in hexadecimal": "0x0",
  "with a dot": "0.0",
  "with a blank inside": "0 0",
  "of nothing": "",
  "beyond 64 bits": "18446744073709551616",
  "in letters": "none",
};

/** Spellings of chunked that one server takes and another doesn't: value, and what the edge must say. */
const codings: Record<string, readonly [string, string]> = {
  xchunked: ["Transfer-Encoding: xchunked", unknownCoding],
  "chunked twice": ["Transfer-Encoding: chunked, chunked", unknownCoding],
  "chunked, identity": ["Transfer-Encoding: chunked, identity", unknownCoding],
  identity: ["Transfer-Encoding: identity", unknownCoding],
  "gzip, chunked": ["Transfer-Encoding: gzip, chunked", unknownCoding],
  quoted: ['Transfer-Encoding: "chunked"', unknownCoding],
  "with a parameter": ["Transfer-Encoding: chunked;q=1", unknownCoding],
  "with a tab before it": ["Transfer-Encoding:\tchunked", unknownCoding],
  "with a tab after it": ["Transfer-Encoding: chunked\t", unknownCoding],
  "with a vertical tab": ["Transfer-Encoding: \u000bchunked", unknownCoding],
  "two lines of it": ["Transfer-Encoding: chunked\r\nTransfer-Encoding: x", refused],
  folded: ["Transfer-Encoding:\r\n chunked", refused],
  "a blank before the colon": ["Transfer-Encoding : chunked", refused],
  "a tab before the colon": ["Transfer-Encoding\t: chunked", refused],
  "a blank before the name": [" Transfer-Encoding: chunked", refused],
  "a NUL in the name": ["Transfer-Encoding\0: chunked", refused],
  "a NUL in the value": ["Transfer-Encoding: chunked\0", refused],
  "behind a bare CR": ["X: x\rTransfer-Encoding: chunked", refused],
  "behind a bare LF": ["X: x\nTransfer-Encoding: chunked", refused],
  "an underscore in the name": ["Transfer_Encoding: chunked", asOne],
};

/** Bodies in chunks whose sizes can be read in two ways. */
const chunks: Record<string, readonly [Make, string]> = {
  "an extension": [(hidden) => `0;a=b\r\n\r\n${hidden}`, asOne],
  "an extension with a bare LF": [(hidden) => `0;a=b\n\r\n${hidden}`, asOne],
  "a size with 0x": [(hidden) => `0x0\r\n\r\n${hidden}`, refused],
  "a size below zero": [(hidden) => `-1\r\n\r\n${hidden}`, refused],
  "a size beyond 64 bits": [(hidden) => `10000000000000000\r\n${hidden}`, refused],
  "a trailer that is a header": [(hidden) => `0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`, asOne],
  "no line end after a chunk": [(hidden) => `1\r\nab0\r\n\r\n${hidden}`, refused],
};

function attack(name: string, expected: string, make: Make): Attack {
  return {
    from: "visitor",
    name: `smuggling: ${name}`,
    expected,
    attempt: (target) =>
      knock(target, (token) => {
        const hidden = headOf(`GET /hidden-${token} HTTP/1.1`, "Host: app");
        return [make(hidden).replace("/outer", `/outer-${token}`)];
      }),
  };
}

export const smuggling: readonly Attack[] = [
  ...Object.entries(bothLengths).map(([name, make]) => attack(name, refused, make)),
  ...Object.entries(lengths).map(([name, value]) =>
    attack(`Content-Length ${name}`, refused, (hidden) => post(`Content-Length: ${value}`, closing) + hidden),
  ),
  ...Object.entries(codings).map(([name, [header, expected]]) =>
    attack(
      `Transfer-Encoding, ${name}`,
      expected,
      (hidden) => post(`Content-Length: ${chunked(hidden).length}`, header, closing) + chunked(hidden),
    ),
  ),
  ...Object.entries(chunks).map(([name, [make, expected]]) =>
    attack(
      `chunks: ${name}`,
      expected,
      (hidden) => post("Transfer-Encoding: chunked", closing) + make(hidden),
    ),
  ),
];
