import { createHash } from "node:crypto";
import { Agent, request, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { passedHeaders } from "../account/browser-guard.ts";
import type { RequestHead } from "../account/claim.ts";
import { Refusal } from "../account/refusal.ts";

export interface Passing {
  /** Where the emulator listens: its socket, or its port at 127.0.0.1. */
  readonly to: { readonly socketPath: string } | { readonly port: number };
  readonly head: RequestHead;
  /** The body, if it has been read already. Otherwise the request is streamed. */
  readonly body?: Buffer | undefined;
  /** The sha256 that a streamed body must have. */
  readonly expectedHash?: string | undefined;
}

// Keep-alive is safe: an emulator closes idle connections only after an hour, long after this agent.
const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });

/**
 * Passes on a request and its answer, and returns when the answer has been sent. A body that differs from what was
 * signed never reaches the emulator complete, so it has no effect.
 *
 * @throws Refusal `wrong-body`; the error of the connection to the emulator.
 */
export async function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { to, head, body, expectedHash }: Passing,
): Promise<void> {
  const { method, url: path } = head;
  const upstream = request({ agent, ...to, method, path, headers: framedHeaders(head, body) });
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once("response", resolve).once("error", reject);
  });
  const sent =
    body !== undefined
      ? pipeline(Readable.from([body], { objectMode: false }), upstream)
      : expectedHash === undefined
        ? pipeline(incoming, upstream)
        : pipeline(incoming, new CheckedBody(expectedHash), upstream);
  // An emulator may answer before it has read everything. What happens to the rest doesn't matter then.
  const first = await Promise.race([answered, sent.then(() => answered)]);
  sent.catch(() => undefined);
  outgoing.writeHead(first.statusCode ?? 502, passedHeaders(first.headers));
  await pipeline(first, outgoing);
}

/** Headers of the passed-on request. They define exactly one end of the body: the one that was read here. */
function framedHeaders({ headers }: RequestHead, body: Buffer | undefined): NodeJS.Dict<string | string[]> {
  const passed = passedHeaders(headers);
  if (body !== undefined) return { ...passed, "content-length": String(body.length) };
  return headers["transfer-encoding"] === undefined ? passed : { ...passed, "transfer-encoding": "chunked" };
}

/** Holds back the last chunk until the whole body has proved to be what was signed. */
class CheckedBody extends Transform {
  readonly #hash = createHash("sha256");
  readonly #expected: string;
  #last: Buffer | undefined;

  constructor(expected: string) {
    super();
    this.#expected = expected;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    const previous = this.#last;
    this.#last = chunk;
    done(null, previous);
  }

  override _flush(done: TransformCallback): void {
    if (this.#hash.digest("hex") === this.#expected) done(null, this.#last);
    else done(new Refusal("wrong-body", "The body isn't the one that was signed"));
  }
}
