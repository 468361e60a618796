import { request, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";

/** One raw request, so that an attack can put anything into it. */
export interface RawCall {
  readonly method: string;
  /** Path and query, or any other text for the request line. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Signing {
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly service: string;
  readonly region?: string;
  readonly signedAt?: Date;
}

/** Signs the call with signature version 4, as every SDK does. */
export async function signCall(call: RawCall, signing: Signing): Promise<RawCall> {
  const [path = "", search = ""] = call.url.split("?");
  const signed = await signerOf(signing).sign(
    {
      method: call.method,
      protocol: "http:",
      hostname: "",
      path,
      query: Object.fromEntries(new URLSearchParams(search)),
      headers: { ...call.headers },
      body: call.body ?? "",
    },
    { signingDate: signing.signedAt ?? new Date() },
  );
  return { ...call, headers: signed.headers };
}

/** The call as a presigned URL. */
export async function presignCall(call: RawCall, signing: Signing, expiresIn = 60): Promise<RawCall> {
  const signed = await signerOf(signing).presign(
    {
      method: call.method,
      protocol: "http:",
      hostname: "",
      path: call.url,
      query: {},
      headers: { ...call.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    },
    { signingDate: signing.signedAt ?? new Date(), expiresIn },
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(signed.query ?? {})) query.set(name, String(value));
  // SDKs encode a space as %20, because a plus sign would stay a plus sign.
  return { ...call, url: `${call.url}?${query.toString().replaceAll("+", "%20")}` };
}

function signerOf({ credentials, service, region = "eu-central-1" }: Signing): SignatureV4 {
  return new SignatureV4({ credentials, service, region, sha256: Sha256, uriEscapePath: service !== "s3" });
}

/** Sends exactly this request to the port, without adding anything. */
export async function sendRaw(port: number, { method, url, headers, body }: RawCall): Promise<RawAnswer> {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const sent = request({
    host: "127.0.0.1",
    port,
    method,
    path: url,
    agent: false,
    headers: { ...length, ...headers },
  });
  return new Promise((resolve, reject) => {
    sent.once("error", reject);
    sent.once("response", (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      text(response).then((said) => resolve({ status, headers: answered, body: said }), reject);
    });
    sent.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
    });
    sent.end(body);
  });
}
