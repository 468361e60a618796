import type { IncomingMessage } from "node:http";
import { createHash } from "node:crypto";
import { headerOf, readClaim, type RequestHead } from "./claim.ts";
import { Refusal } from "./refusal.ts";
import { checkSignature, type KnownKey } from "./signature.ts";

/** Whoever a key or a registry's password belongs to. Without a role it is the user of this computer, who may do all. */
export interface Caller {
  readonly key: KnownKey;
  readonly role?: string;
}

/** A request whose signature is right. */
export interface Admitted {
  readonly caller: Caller;
  readonly service: string;
  readonly region: string;
  /** Read and compared with the signature already; S3's are streamed instead. */
  readonly body: Buffer | undefined;
  /** What the streamed body's sha256 has to be; undefined when the signature says that it isn't signed. */
  readonly expectedHash: string | undefined;
}

/** Everything but S3 has short bodies. The longest is user data and policies. */
const longestBody = 1024 * 1024;

const services: ReadonlySet<string> = new Set(["ec2", "ecr", "iam", "s3", "ssm", "sts"]);
/** S3 leaves the body out of the signature on request; SDKs do so for streams over TLS. */
const unsigned: ReadonlySet<string> = new Set(["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]);

/**
 * Who sent this, and that they sent exactly this.
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
