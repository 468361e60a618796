import { once } from "node:events";
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as NetServer } from "node:net";
import { callbackify } from "node:util";
import { regionOfName, type CertificateAuthority } from "./certificate-authority.ts";

/** One call that has been answered, as far as the supervisor needs to know it. */
export interface ObservedCall {
  readonly service: string;
  readonly region: string;
  /** Query parameters of an EC2 call: `Action`, `InstanceId.1` …; empty for other services. */
  readonly parameters: URLSearchParams;
}

export interface GatewayOptions {
  /** URL of the emulator for everything but ECR. */
  readonly moto: string;
  /** URL of the emulator of ECR and its registry. */
  readonly ecr: string;
  /** Told of each call once it has been answered. */
  readonly onCall: (call: ObservedCall) => void;
}

/** Where a server listens until it is disposed of. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** The door for commands: plain HTTP on loopback, everything but ECR. */
export async function startCommandGateway(options: GatewayOptions): Promise<Listening> {
  return listen(createServer(createForwarder(options)), "127.0.0.1");
}

/** The door for machines: TLS on the gateway's address under AWS's own host names. */
export async function startMachineGateway(
  options: GatewayOptions & { readonly authority: CertificateAuthority; readonly address: string },
): Promise<Listening> {
  const server = createTlsServer(
    {
      SNICallback: callbackify((name: string) => options.authority.contextFor(regionOfName(name))),
    },
    createForwarder(options),
  );
  return listen(server, options.address);
}

/** Listens on a free port of the address. */
export async function listen(server: Server, address: string): Promise<Listening> {
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

type Forwarder = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function createForwarder(options: GatewayOptions): Forwarder {
  const agent = new Agent({ keepAlive: false });
  return (incoming, outgoing) => {
    const target = isRegistryName(incoming.headers.host ?? "") ? options.ecr : options.moto;
    const { hostname, port } = new URL(target);
    const { expect: _, connection: __, ...headers } = incoming.headers;
    const upstream = request({ agent, hostname, port, method: incoming.method, path: incoming.url, headers });
    const call = observe(incoming);
    upstream.on("response", (response) => {
      const { connection: ___, "keep-alive": ____, "transfer-encoding": _____, ...kept } = response.headers;
      outgoing.writeHead(response.statusCode ?? 502, kept);
      response.pipe(outgoing);
      response.on("end", () => options.onCall(call()));
      response.on("error", () => outgoing.destroy());
    });
    upstream.on("error", (error) => fail(outgoing, error));
    outgoing.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  };
}

/** Names of the registry and of its API; the emulator of ECR needs the name to tell the region. */
function isRegistryName(host: string): boolean {
  return /(?:^|\.)ecr\.[a-z0-9-]+\.amazonaws\.com(?::\d+)?$/.test(host);
}

function observe(incoming: IncomingMessage): () => ObservedCall {
  const scope = /Credential=[^/,]+\/\d+\/([^/]+)\/([^/]+)\//.exec(incoming.headers.authorization ?? "");
  const [, region = "us-east-1", service = "unknown"] = scope ?? [];
  const chunks: Buffer[] = [];
  if (service === "ec2") incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => ({
    service,
    region,
    parameters: new URLSearchParams(Buffer.concat(chunks).toString("utf8")),
  });
}

function fail(outgoing: ServerResponse, error: Error): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(502, { "content-type": "text/plain" });
  outgoing.end(`The embedded AWS has no answer: ${error.message}\n`);
}
