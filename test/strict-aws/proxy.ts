import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CallLog } from "./calls.ts";
import { faultReply, type Delay, type Fault, type Faults, type RefusedFault } from "./faults.ts";
import { Hooks } from "./hooks.ts";
import { readRequest, type AwsRequest } from "./request.ts";
import { outcomeOf, type Reply } from "./reply.ts";

export interface ProxyOptions {
  readonly faults: Faults;
  /** Answers a call as AWS would: by the rules, and behind them the emulators. */
  readonly answer: (request: AwsRequest) => Promise<Reply>;
}

/** A loopback HTTP server that accepts the calls of all services. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly log: CallLog;
  readonly hooks: Hooks;
  /** Cuts every connection and drops the calls that are held back. */
  readonly cutAll: () => void;
}

export async function startProxy({ faults, answer }: ProxyOptions): Promise<Proxy> {
  const log = new CallLog();
  const hooks = new Hooks();
  let arrivals = 0;
  const exchange = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    arrivals += 1;
    const request = await readRequest(incoming, arrivals);
    if (request === undefined) {
      response.writeHead(400).end("Not a signed call of a service that is here\n");
      return;
    }
    const end = log.begin(request);
    const struck = faults.take(request);
    const reply = await decide(request, { struck, answer, hooks, isGone: () => incoming.socket.destroyed });
    if (reply === undefined) {
      end({ outcome: "cut" });
      incoming.socket.destroy();
      return;
    }
    end({ outcome: outcomeOf(request, reply), status: reply.status });
    await send(request, reply, response);
    await hooks.reach("answered", request, reply);
  };
  const server = createServer((incoming, response) => {
    exchange(incoming, response).catch((error: unknown) => fail(incoming, response, error));
  });
  // An idle connection that closes just as it is reused would be a fault that the test didn't request.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The proxy listens on no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    log,
    hooks,
    cutAll: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface Course {
  readonly struck: readonly Fault[];
  readonly answer: ProxyOptions["answer"];
  readonly hooks: Hooks;
  /** Whether the caller has closed the connection in the meantime. */
  readonly isGone: () => boolean;
}

/** Returns the reply, or undefined when the connection is to be cut. */
async function decide(request: AwsRequest, course: Course): Promise<Reply | undefined> {
  const { struck, answer, hooks, isGone } = course;
  for (const fault of struck) if (typeof fault === "object") await wait(fault);
  const isCut = await hooks.reach("arrived", request);
  await hooks.quiet();
  if (isCut || isGone() || struck.includes("before")) return undefined;
  const refused = struck.find(isRefused);
  const reply = refused === undefined ? await answer(request) : faultReply(request, refused);
  const isLost = await hooks.reach("decided", request, reply);
  if (!isLost && !struck.includes("after")) return reply;
  if (reply.body instanceof Readable) reply.body.destroy();
  return undefined;
}

const wait = (delay: Delay): Promise<unknown> => ("until" in delay ? delay.until() : sleep(delay.latencyMs));

const isRefused = (fault: Fault): fault is RefusedFault =>
  typeof fault === "string" && fault !== "before" && fault !== "after";

async function send(
  { method }: AwsRequest,
  { status, headers, body }: Reply,
  response: ServerResponse,
): Promise<void> {
  const { connection: _, "transfer-encoding": __, "content-length": declared, ...rest } = headers;
  const length = body instanceof Readable || method === "HEAD" ? declared : String(body.length);
  response.writeHead(status, { ...rest, ...(length === undefined ? {} : { "content-length": length }) });
  if (body instanceof Readable) {
    await pipeline(body, response);
    return;
  }
  response.end(body);
  if (!response.closed) await once(response, "close");
}

/** A fault of this proxy or of an emulator. The caller sees it as such, never as an AWS error. */
function fail(incoming: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (incoming.socket.destroyed) return;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (response.headersSent) incoming.socket.destroy();
  else response.writeHead(501, { "content-type": "text/plain" }).end(text);
}
