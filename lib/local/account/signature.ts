import { timingSafeEqual } from "node:crypto";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import { headerOf, pathOf, queryOf, type Claim, type RequestHead } from "./claim.ts";
import { Refusal } from "./refusal.ts";

/** An access key that the gateway knows, with a session token when it belongs to a role. */
export interface KnownKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token?: string;
  readonly expires?: Date;
}

export interface SignatureCheck {
  readonly claim: Claim;
  readonly key: KnownKey;
  readonly payloadHash: string;
  readonly nowMs?: number;
}

/** The same as S3's. Some AWS services allow less. */
const longestSkewMs = 15 * 60_000;

/**
 * Signs the request again with the key that it claims, and compares the signatures. `payloadHash` represents the body
 * in the signature; the caller must check that the body matches it.
 *
 * @throws Refusal
 */
export async function checkSignature(
  head: RequestHead,
  { claim, key, payloadHash, nowMs = Date.now() }: SignatureCheck,
): Promise<void> {
  if (claim.token !== key.token) throw new Refusal("wrong-token", "The security token isn't the key's");
  checkTime(claim, key, nowMs);
  checkCovered(head, claim);
  const expected = await sign(head, claim, { key, payloadHash });
  if (!isSame(expected, claim.signature)) {
    throw new Refusal(
      "wrong-signature",
      "The signature isn't that of this request by the secret of this key",
    );
  }
}

function checkTime({ signedAt, lifetimeSeconds }: Claim, { expires }: KnownKey, nowMs: number): void {
  const ageMs = nowMs - signedAt.getTime();
  const longestMs = lifetimeSeconds === undefined ? longestSkewMs : lifetimeSeconds * 1000;
  if (ageMs > longestMs || ageMs < -longestSkewMs) {
    throw new Refusal("skewed", `Signed at ${signedAt.toISOString()}, which is too far from now`);
  }
  if (expires !== undefined && expires.getTime() <= nowMs) {
    throw new Refusal("expired", "The credentials have expired");
  }
}

/**
 * The host and all of AWS's own headers determine what a request does, so the signature must cover them: none may be
 * changed or added on the way.
 */
function checkCovered({ headers }: RequestHead, { signedHeaders, lifetimeSeconds }: Claim): void {
  const own = Object.keys(headers).filter((name) => name.startsWith("x-amz-"));
  const needed = ["host", ...(lifetimeSeconds === undefined ? ["x-amz-date"] : []), ...own];
  const left = needed.find((name) => !signedHeaders.has(name));
  if (left !== undefined) throw new Refusal("malformed", `The signature doesn't cover the header ${left}`);
}

interface Material {
  readonly key: KnownKey;
  readonly payloadHash: string;
}

async function sign(head: RequestHead, claim: Claim, { key, payloadHash }: Material): Promise<string> {
  const { accessKeyId, secretAccessKey } = key;
  const { region, service, signedHeaders } = claim;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service,
    sha256: Sha256,
    // S3 signs the path as it is sent. All other services encode it once more.
    uriEscapePath: service !== "s3",
    applyChecksum: false,
  });
  const headers: Record<string, string> = { "x-amz-content-sha256": payloadHash };
  for (const name of Object.keys(head.headers)) headers[name] ??= headerOf(head.headers, name) ?? "";
  const unsigned = [...Object.keys(headers), "x-amz-date"].filter((name) => !signedHeaders.has(name));
  const signed = await signer.sign(
    {
      method: head.method,
      protocol: "http:",
      hostname: "",
      path: pathOf(head.url),
      query: bagOf(head.url),
      headers,
    },
    {
      signingDate: claim.signedAt,
      signableHeaders: new Set(signedHeaders),
      unsignableHeaders: new Set(unsigned),
    },
  );
  return /Signature=([0-9a-f]{64})$/.exec(signed.headers["authorization"] ?? "")?.[1] ?? "";
}

function bagOf(url: string): Record<string, string[]> {
  const bag = new Map<string, string[]>();
  for (const [name, value] of queryOf(url)) bag.set(name, [...(bag.get(name) ?? []), value]);
  return Object.fromEntries(bag);
}

function isSame(expected: string, shown: string): boolean {
  return expected.length === shown.length && timingSafeEqual(Buffer.from(expected), Buffer.from(shown));
}
