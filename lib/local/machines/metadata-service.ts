import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, type Listening } from "../network/gateway.ts";
import { readMetadata, type MetadataSource } from "./metadata.ts";

export interface MetadataServiceOptions {
  /** The gateway's address on the machines' network. */
  readonly address: string;
  /** Finds the instance whose machine has this address on the machines' network. */
  readonly findSource: (address: string) => Promise<MetadataSource | undefined>;
  readonly onError: (error: unknown) => void;
}

interface Token {
  /** The token is valid only for the machine at this address, which requested it. */
  readonly address: string;
  readonly expiresMs: number;
}

const tokenHeader = "x-aws-ec2-metadata-token";
const lifetimeHeader = "x-aws-ec2-metadata-token-ttl-seconds";
const longestLifetimeSeconds = 21_600;

/** The EC2 instance metadata service (IMDSv2 only) for all machines. It recognises a machine by its source address. */
export async function startMetadataService(options: MetadataServiceOptions): Promise<Listening> {
  const tokens = new Map<string, Token>();
  const server = createServer((incoming, outgoing) => {
    handle(options, tokens, incoming).then(
      ({ status, body, headers }) => outgoing.writeHead(status, headers).end(body),
      (error: unknown) => {
        options.onError(error);
        sendFailure(outgoing);
      },
    );
  });
  return listen(server, options.address);
}

interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers: Record<string, string>;
}

async function handle(
  options: MetadataServiceOptions,
  tokens: Map<string, Token>,
  incoming: IncomingMessage,
): Promise<Answer> {
  const address = incoming.socket.remoteAddress ?? "";
  const [, version = "", path = ""] = /^\/([^/]*)\/?([^?]*)/.exec(incoming.url ?? "/") ?? [];
  if (incoming.method === "PUT" && path === "api/token") return issueToken(tokens, address, incoming);
  if (incoming.method !== "GET") return text(405, "");
  const token = tokens.get(String(incoming.headers[tokenHeader]));
  const known = token?.address === address && token.expiresMs > Date.now();
  if (!known && !isFirstBoot(incoming, path)) return text(401, "");
  const source = await options.findSource(address);
  if (source === undefined) return text(404, "");
  if (version === "") return text(200, "latest");
  const body = await readMetadata(source, path);
  return body === undefined ? text(404, "") : text(200, body);
}

/**
 * cloud-init requests no token when it can't read the DMI, which a container doesn't have. It is answered without a
 * token, but never with credentials. Nothing else on the machine is answered without one.
 */
function isFirstBoot(incoming: IncomingMessage, path: string): boolean {
  const isCloudInit = incoming.headers["user-agent"]?.startsWith("Cloud-Init/") === true;
  return isCloudInit && incoming.headers[tokenHeader] === undefined && !path.includes("security-credentials");
}

function issueToken(tokens: Map<string, Token>, address: string, incoming: IncomingMessage): Answer {
  // EC2 gives no token to a request that came through a proxy.
  if (incoming.headers["x-forwarded-for"] !== undefined) return text(403, "");
  const seconds = Number(incoming.headers[lifetimeHeader]);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestLifetimeSeconds) return text(400, "");
  const now = Date.now();
  for (const [token, { expiresMs }] of tokens) if (expiresMs <= now) tokens.delete(token);
  const token = randomBytes(32).toString("base64url");
  tokens.set(token, { address, expiresMs: now + seconds * 1000 });
  return {
    ...text(200, token),
    headers: { "content-type": "text/plain", [lifetimeHeader]: String(seconds) },
  };
}

function text(status: number, body: string | Buffer): Answer {
  return { status, body, headers: { "content-type": "text/plain", server: "EC2ws" } };
}

function sendFailure(outgoing: ServerResponse): void {
  if (!outgoing.headersSent) outgoing.writeHead(500);
  outgoing.end();
}
