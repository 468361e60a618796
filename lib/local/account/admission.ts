import type { IncomingMessage } from "node:http";
import { createHash } from "node:crypto";
import { headerOf, readClaim, type RequestHead } from "./claim.ts";
import { Refusal } from "./refusal.ts";
import { checkSignature, type KnownKey } from "./signature.ts";

/**
 * The owner of an access key or of a registry password. Without a role it is the user of this computer, who may do
 * everything.
 */
export interface Caller {
  readonly key: KnownKey;
  readonly role?: string;
}

/** A request with a valid signature. */
export interface Admitted {
  readonly caller: Caller;
  readonly service: string;
  readonly region: string;
  /** Already read and checked against the signature. Undefined for S3, whose bodies are streamed. */
  readonly body: Buffer | undefined;
  /** The sha256 that the streamed body must have. Undefined when the signature doesn't cover the body. */
  readonly expectedHash: string | undefined;
}

/** All services but S3 have short bodies. The longest contain log events: 1 MiB of text, longer as JSON. */
const longestBody = 4 * 1024 * 1024;

const services: ReadonlySet<string> = new Set([
  "ec2",
  "ecr",
  "iam",
  "logs",
  "monitoring",
  "route53",
  "s3",
  "secretsmanager",
  "sns",
  "ssm",
  "ssmmessages",
  "sts",
]);
/** S3 allows a signature that doesn't cover the body. SDKs use that for streams over TLS. */
const unsigned: ReadonlySet<string> = new Set(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]);

/**
 * Finds who sent the request, and verifies that it arrived exactly as they sent it.
 *
 * @throws Refusal
 */
export async function admit(
  incoming: IncomingMessage,
  head: RequestHead,
  findKey: (accessKeyId: string) => Caller | undefined,
): Promise<Admitted> {
  const claim = readClaim(head);
  if (claim === undefined) throw new Refusal("unsigned", "The request isn't signed");
  const { service, region } = claim;
  if (!services.has(service)) throw new Refusal("denied", `The embedded AWS has no service ${service}`);
  const caller = findKey(claim.accessKeyId);
  if (caller === undefined) throw new Refusal("unknown-key", "No such access key here");
  const { key } = caller;
  const said = headerOf(head.headers, "x-amz-content-sha256");
  if (service === "s3") {
    const payloadHash = claim.lifetimeSeconds === undefined ? said : "UNSIGNED-PAYLOAD";
    if (payloadHash === undefined) throw new Refusal("malformed", "x-amz-content-sha256 is missing");
    await checkSignature(head, { claim, key, payloadHash });
    const expectedHash = unsigned.has(payloadHash) ? undefined : payloadHash;
    if (expectedHash?.startsWith("STREAMING-") === true) {
      throw new Refusal("malformed", `The embedded AWS doesn't read bodies of the kind ${payloadHash}`);
    }
    return { caller, service, region, body: undefined, expectedHash };
  }
  if (claim.lifetimeSeconds !== undefined) throw new Refusal("malformed", "Only S3 takes presigned calls");
  const body = await readBody(incoming);
  const payloadHash = createHash("sha256").update(body).digest("hex");
  if (said !== undefined && said !== payloadHash) {
    throw new Refusal("wrong-body", "The body isn't the one that was signed");
  }
  await checkSignature(head, { claim, key, payloadHash });
  return { caller, service, region, body, expectedHash: undefined };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  incoming.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= longestBody) chunks.push(chunk);
    else incoming.destroy(new Refusal("too-long", `The body is longer than ${longestBody} bytes`));
  });
  await new Promise((resolve, reject) => {
    incoming.once("end", resolve).once("error", reject);
  });
  return Buffer.concat(chunks);
}
