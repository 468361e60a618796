import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as NetServer } from "node:net";
import { callbackify } from "node:util";
import { admit } from "../account/admission.ts";
import { findForeign } from "../account/browser-guard.ts";
import type { RequestHead } from "../account/claim.ts";
import type { Door } from "../account/door.ts";
import { regionOfName } from "../account/endpoint-region.ts";
import { describeRefusal, Refusal } from "../account/refusal.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { passOn } from "./upstream.ts";

/** The parts of an answered call that the supervisor needs. */
export interface ObservedCall {
  readonly service: string;
  readonly region: string;
  readonly method: string;
  /** Query parameters of an EC2 call: `Action`, `InstanceId.1` …; empty for other services. */
  readonly parameters: URLSearchParams;
}

/** The emulators' Unix sockets. Only this user, and so the tests, can open them; they need no key. */
export interface Backends {
  /** Serves everything but ECR. */
  readonly moto: string;
  /** Serves ECR and its registry. */
  readonly ecr: string;
}

/** Where Let's Encrypt's stand-in listens, at 127.0.0.1, and what it must be told. */
interface AcmeBackend {
  readonly port: number;
  readonly secret: string;
}

export interface GatewayOptions {
  readonly backends: Backends;
  readonly door: Door;
  /** Absent where nobody asks for certificates. Settles once it has started; waited for only when it is asked. */
  readonly acme?: Promise<AcmeBackend> | undefined;
  /** Called for each call after it has been answered. */
  readonly onCall?: ((call: ObservedCall) => void) | undefined;
}

/** A server that listens until it is disposed of. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Starts the gateway for commands: plain HTTP on loopback. */
export async function startCommandGateway(
  options: Omit<GatewayOptions, "door"> & { readonly door: Omit<Door, "isHost"> },
): Promise<Listening> {
  let port = 0;
  const door: Door = { ...options.door, isHost: (host) => host === `127.0.0.1:${port}` };
  const listening = await listen(createServer(answerWith({ ...options, door })), "127.0.0.1");
  ({ port } = listening);
  return listening;
}

/** Starts the gateway for machines: TLS on the network's gateway address, under AWS's own host names. */
export async function startMachineGateway(
  options: GatewayOptions & { readonly authority: CertificateAuthority; readonly address: string },
): Promise<Listening> {
  const server = createTlsServer(
    {
      SNICallback: callbackify((name: string) =>
        isAcmeHost(name) ? options.authority.acmeContext() : options.authority.contextFor(regionOfName(name)),
      ),
    },
    answerWith(options),
  );
  return listen(server, options.address);
}

/**
 * How long an idle connection is kept. After Node's default of 5 s, a client could reuse a connection just as it
 * closes, and lose its call.
 */
const idleMs = 3_600_000;

/** Listens on a free port of the address. */
export async function listen(server: Server, address: string): Promise<Listening> {
  server.keepAliveTimeout = idleMs;
  server.listen(0, address);
  await once(server, "listening");
  return {
    port: portOf(server),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function portOf(server: NetServer): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("The server isn't bound to a port");
  return bound.port;
}

interface Exchange extends GatewayOptions {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly head: RequestHead;
}

function answerWith(options: GatewayOptions): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const exchange = { ...options, incoming, outgoing, head: { method, url, headers } };
    if (options.acme !== undefined && isAcmeHost(headers.host ?? "")) {
      answerAcme(exchange, options.acme).catch((error: unknown) => fail(exchange, error));
      return;
    }
    const foreign = findForeign(exchange.head, (host) => options.door.isHost(host));
    if (foreign !== undefined) {
      end(exchange, { status: 403, type: "text/plain", body: `${foreign}\n` });
      return;
    }
    const answered = /^\/v2(?:\/|$)/.test(url) ? answerRegistry(exchange) : answerCall(exchange);
    answered.catch((error: unknown) => fail(exchange, error));
  };
}

const isAcmeHost = (host: string): boolean => /^[a-z0-9-]+\.api\.letsencrypt\.org(?::443)?$/.test(host);

/** Requests of ACME are signed by their account, which the authority checks. */
async function answerAcme({ incoming, outgoing, head }: Exchange, acme: Promise<AcmeBackend>): Promise<void> {
  const { port, secret } = await acme;
  const headers = { ...head.headers, "x-berth-gateway": secret, "x-forwarded-proto": "https" };
  // The one path that a client doesn't learn from an answer.
  const url = head.url === "/directory" ? "/dir" : head.url;
  await passOn(incoming, outgoing, { to: { port }, head: { ...head, url, headers } });
}

async function answerCall(exchange: Exchange): Promise<void> {
  const { incoming, outgoing, head, backends, door, onCall } = exchange;
  const admitted = await admit(incoming, head, (id) => door.findKey(id));
  const { service, region, body, expectedHash } = admitted;
  const judged = await door.judge(head, admitted);
  if ("answer" in judged) {
    end(exchange, { status: 200, type: "application/x-amz-json-1.1", body: JSON.stringify(judged.answer) });
    return;
  }
  const socketPath = service === "ecr" ? backends.ecr : backends.moto;
  await passOn(incoming, outgoing, { to: { socketPath }, head: judged, body, expectedHash });
  const parameters = new URLSearchParams(service === "ec2" ? body?.toString("utf8") : "");
  onCall?.({ service, region, method: head.method, parameters });
}

async function answerRegistry(exchange: Exchange): Promise<void> {
  const { incoming, outgoing, head, backends, door } = exchange;
  const caller = door.findRegistryUser(passwordOf(head.headers.authorization ?? ""));
  if (caller === undefined) {
    // A Docker engine sends its password only after this challenge.
    outgoing.setHeader("www-authenticate", 'Basic realm="embedded AWS",service="ecr.amazonaws.com"');
    endRegistry(exchange, 401, "UNAUTHORIZED", "The registry takes the token of ecr:GetAuthorizationToken");
    return;
  }
  await door.judgeRegistry(head, caller);
  await passOn(incoming, outgoing, { to: { socketPath: backends.ecr }, head });
}

/** The password in a `Basic` header for the user `AWS`. */
function passwordOf(authorization: string): string {
  const [, encoded = ""] = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(authorization) ?? [];
  return /^AWS:(.+)$/s.exec(Buffer.from(encoded, "base64").toString("utf8"))?.[1] ?? "";
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function end({ incoming, outgoing }: Exchange, { status, type, body }: Answer): void {
  // The rest of the body isn't read, so the connection can't be reused. Refused clients can't keep a connection either.
  if (!incoming.complete || status >= 400) outgoing.setHeader("connection", "close");
  outgoing.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  outgoing.end(body);
}

function endRegistry(exchange: Exchange, status: number, code: string, message: string): void {
  const body = JSON.stringify({ errors: [{ code, message }] });
  end(exchange, { status, type: "application/json", body });
}

function fail(exchange: Exchange, error: unknown): void {
  const { outgoing, head } = exchange;
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
  } else if (!(error instanceof Refusal)) {
    const body = `The embedded AWS has no answer: ${error instanceof Error ? error.message : String(error)}\n`;
    end(exchange, { status: 502, type: "text/plain", body });
  } else if (head.url.startsWith("/v2")) {
    endRegistry(exchange, 403, "DENIED", error.message);
  } else {
    const service = /\/([a-z0-9-]+)\/aws4_request/.exec(head.headers.authorization ?? "")?.[1];
    end(exchange, describeRefusal(error, { service, contentType: head.headers["content-type"] }));
  }
}
