import { Agent, request as send, type ClientRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { bodyOf, readAll, type AwsRequest } from "./request.ts";
import type { Reply } from "./reply.ts";

// Keep-alive is safe: the emulators don't close idle connections, which would look like a fault that the test didn't
// request.
const agent = new Agent({ keepAlive: true });

// Headers that concern one hop only. The length is that of the body which is really sent.
const hopByHop = new Set(["connection", "keep-alive", "expect", "transfer-encoding", "content-length"]);

/**
 * Passes a call on to an emulator's own socket. The gateway would refuse it: a rule may have changed what was signed,
 * and tests sign with their own keys.
 */
export async function forward(request: AwsRequest, socketPath: string): Promise<Reply> {
  const { method, url } = request;
  const body = bodyOf(request);
  const kept = Object.entries(request.headers).filter(([name]) => !hopByHop.has(name));
  const length =
    body instanceof Readable ? request.headers["content-length"] : method === "GET" ? undefined : body.length;
  const headers = {
    ...Object.fromEntries(kept),
    ...(length === undefined ? {} : { "content-length": String(length) }),
  };
  const outgoing = send({ socketPath, path: url, method, headers, agent });
  const answered = answerTo(outgoing);
  if (body instanceof Readable) await Promise.all([answered, pipeline(body, outgoing)]);
  else outgoing.end(body);
  const incoming = await answered;
  const { statusCode: status = 502 } = incoming;
  const streams = request.operation === "GetObject" && status < 300;
  return { status, headers: incoming.headers, body: streams ? incoming : await readAll(incoming) };
}

function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve).once("error", reject);
  });
}
