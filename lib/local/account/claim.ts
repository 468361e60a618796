import type { IncomingHttpHeaders } from "node:http";
import { Refusal } from "./refusal.ts";

/** A request as it arrived, without its body. */
export interface RequestHead {
  readonly method: string;
  /** Path and query, still encoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a request claims about its signer. Nothing in it can be trusted until the signature has been checked. */
export interface Claim {
  readonly accessKeyId: string;
  readonly signedAt: Date;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: ReadonlySet<string>;
  /** 64 hex digits. */
  readonly signature: string;
  readonly token: string | undefined;
  /** Lifetime of a presigned URL. A signature in a header is valid for `longestSkewMs`. */
  readonly lifetimeSeconds: number | undefined;
}

const credentialPattern = String.raw`([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`;
// Accepts only the order and spelling that every SDK uses, because the emulators behind the gateway parse the header
// less strictly.
const headerPattern = new RegExp(
  String.raw`^AWS4-HMAC-SHA256 Credential=${credentialPattern}, ?SignedHeaders=([a-z0-9;_-]+), ?Signature=([0-9a-f]{64})$`,
);
const longestLifetimeSeconds = 604_800;

/** Undefined when the request carries no signature. @throws Refusal `malformed`. */
export function readClaim({ url, headers }: RequestHead): Claim | undefined {
  const query = queryOf(url);
  const presigned = query.some(([name]) => name.toLowerCase() === "x-amz-signature");
  if (headers.authorization === undefined) return presigned ? readPresigned(query) : undefined;
  if (presigned) throw malformed("Signed twice, by a header and in the query");
  const match = headerPattern.exec(headers.authorization);
  if (match === null) throw malformed("The Authorization header is no signature of version 4");
  const [, accessKeyId = "", day = "", region = "", service = "", signed = "", signature = ""] = match;
  return {
    accessKeyId,
    signedAt: readTime(headerOf(headers, "x-amz-date"), day),
    region,
    service,
    signedHeaders: new Set(signed.split(";")),
    signature,
    token: headerOf(headers, "x-amz-security-token"),
    lifetimeSeconds: undefined,
  };
}

function readPresigned(query: readonly (readonly [string, string])[]): Claim {
  const get = (name: string): string => {
    const values = query.filter(([key]) => key.toLowerCase() === name.toLowerCase());
    const [[key, value] = ["", ""], ...more] = values;
    if (key !== name || more.length > 0) throw malformed(`The query has to have ${name}, once`);
    return value;
  };
  if (get("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256") throw malformed("X-Amz-Algorithm is another one");
  const match = new RegExp(`^${credentialPattern}$`).exec(get("X-Amz-Credential"));
  const signature = get("X-Amz-Signature");
  const lifetimeSeconds = Number(get("X-Amz-Expires"));
  const isLifetime = Number.isInteger(lifetimeSeconds) && lifetimeSeconds >= 1;
  if (match === null || !/^[0-9a-f]{64}$/.test(signature)) throw malformed("The query holds no signature");
  if (!isLifetime || lifetimeSeconds > longestLifetimeSeconds) throw malformed("X-Amz-Expires is no week");
  const [, accessKeyId = "", day = "", region = "", service = ""] = match;
  const hasToken = query.some(([name]) => name.toLowerCase() === "x-amz-security-token");
  return {
    accessKeyId,
    signedAt: readTime(get("X-Amz-Date"), day),
    region,
    service,
    signedHeaders: new Set(get("X-Amz-SignedHeaders").split(";")),
    signature,
    token: hasToken ? get("X-Amz-Security-Token") : undefined,
    lifetimeSeconds,
  };
}

/** Reads `20260102T030405Z`, which must be on the day that the scope names. */
function readTime(text: string | undefined, day: string): Date {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? "");
  const [, year, month, date, hour, minute, second] = match ?? [];
  const time = new Date(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`);
  if (match === null || Number.isNaN(time.getTime()) || text?.slice(0, 8) !== day) {
    throw malformed("X-Amz-Date is no time, or of another day than the scope");
  }
  return time;
}

/** Names and values of the query in their order, decoded. A plus sign stays a plus sign: signers encode a space as %20. */
export function queryOf(url: string): [string, string][] {
  const start = url.indexOf("?");
  if (start < 0) return [];
  const parts = url.slice(start + 1).split("&");
  return parts.filter((part) => part !== "").map((part) => splitPart(part));
}

function splitPart(part: string): [string, string] {
  const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
  return [decode(name), decode(value)];
}

/** The path of a URL, still encoded. */
export const pathOf = (url: string): string => url.replace(/\?.*$/s, "");

/** @throws Refusal `malformed`. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("The URL has an escape sequence that stands for nothing");
  }
}

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

const malformed = (message: string): Refusal => new Refusal("malformed", message);
