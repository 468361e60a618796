import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { readClaim, type RequestHead } from "../../../lib/local/account/claim.ts";
import { Refusal } from "../../../lib/local/account/refusal.ts";
import { checkSignature, type KnownKey } from "../../../lib/local/account/signature.ts";

// From AWS's own documentation, in pieces so that nobody who looks for keys takes them for real ones.
const s3Key = {
  accessKeyId: ["AKIA", "IOSFODNN7EXAMPLE"].join(""),
  secretAccessKey: ["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/"),
};
const iamKey = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: ["wJalrXUtnFEMI", "K7MDENG+bPxRfiCYEXAMPLEKEY"].join("/"),
};
const empty = createHash("sha256").digest("hex");

interface Vector {
  readonly name: string;
  readonly head: RequestHead;
  readonly key: KnownKey;
  readonly payloadHash: string;
  readonly at: string;
}

const s3Host = "examplebucket.s3.amazonaws.com";
const s3Scope = `${s3Key.accessKeyId}/20130524/us-east-1/s3/aws4_request`;

function s3Vector(
  url: string,
  headers: Record<string, string>,
  signed: string,
  signature: string,
): RequestHead {
  const authorization = `AWS4-HMAC-SHA256 Credential=${s3Scope},SignedHeaders=${signed},Signature=${signature}`;
  const own = { host: s3Host, "x-amz-date": "20130524T000000Z", "x-amz-content-sha256": empty };
  return { method: "GET", url, headers: { ...own, ...headers, authorization } };
}

/** Examples of "Signature Calculations" in S3's reference and of "Signing AWS requests" in IAM's guide, with their results. */
const vectors: readonly Vector[] = [
  {
    name: "S3: a range of an object",
    head: s3Vector(
      "/test.txt",
      { range: "bytes=0-9" },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    key: s3Key,
    payloadHash: empty,
    at: "2013-05-24T00:00:00Z",
  },
  {
    name: "S3: a query without a value",
    head: s3Vector(
      "/?lifecycle",
      {},
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    key: s3Key,
    payloadHash: empty,
    at: "2013-05-24T00:10:00Z",
  },
  {
    name: "S3: a query of two",
    head: s3Vector(
      "/?max-keys=2&prefix=J",
      {},
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
    key: s3Key,
    payloadHash: empty,
    at: "2013-05-23T23:50:00Z",
  },
  {
    name: "S3: a presigned URL",
    head: {
      method: "GET",
      url:
        `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(s3Scope)}` +
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
      headers: { host: s3Host },
    },
    key: s3Key,
    payloadHash: "UNSIGNED-PAYLOAD",
    at: "2013-05-24T23:00:00Z",
  },
  {
    name: "IAM: a call in the query",
    head: {
      method: "GET",
      url: "/?Action=ListUsers&Version=2010-05-08",
      headers: {
        host: "iam.amazonaws.com",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-amz-date": "20150830T123600Z",
        authorization:
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, " +
          "SignedHeaders=content-type;host;x-amz-date, " +
          "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
      },
    },
    key: iamKey,
    payloadHash: empty,
    at: "2015-08-30T12:36:00Z",
  },
];

/** The reason of the refusal, or `right`. */
async function check(head: RequestHead, key: KnownKey, payloadHash: string, at: string): Promise<string> {
  try {
    const claim = readClaim(head);
    if (claim === undefined) return "unsigned";
    await checkSignature(head, { claim, key, payloadHash, nowMs: Date.parse(at) });
    return "right";
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

describe("a signature of version 4", () => {
  for (const { name, head, key, payloadHash, at } of vectors) {
    const told = (changed: Partial<RequestHead>) => check({ ...head, ...changed }, key, payloadHash, at);

    it(`is known for right: ${name}`, async () => {
      assert.equal(await told({}), "right");
    });

    it(`is known for wrong when anything is another: ${name}`, async () => {
      const [day] = at.split("T");
      assert.equal(await told({ method: "DELETE" }), "wrong-signature");
      assert.equal(await told({ url: `/other${head.url}` }), "wrong-signature");
      assert.equal(
        await told({ url: `${head.url}${head.url.includes("?") ? "&" : "?"}acl` }),
        "wrong-signature",
      );
      assert.equal(await told({ headers: { ...head.headers, host: "other.example" } }), "wrong-signature");
      assert.equal(await told({ headers: { ...head.headers, "x-amz-acl": "public-read" } }), "malformed");
      assert.equal(await told({ headers: { ...head.headers, host: undefined } }), "wrong-signature");
      assert.equal(
        await check(head, { ...key, secretAccessKey: "other" }, payloadHash, at),
        "wrong-signature",
      );
      assert.equal(await check(head, { ...key, token: "some" }, payloadHash, at), "wrong-token");
      assert.equal(await check(head, key, "0".repeat(64), at), "wrong-signature");
      assert.equal(await check(head, key, payloadHash, `2030${day?.slice(4)}T00:00:00Z`), "skewed");
      assert.equal(await check(head, key, payloadHash, `2001${day?.slice(4)}T00:00:00Z`), "skewed");
      const expires = new Date(Date.parse(at) - 1000);
      assert.equal(await check(head, { ...key, expires }, payloadHash, at), "expired");
    });
  }

  const at = "2026-01-02T03:04:05Z";
  const word = fc.stringMatching(/^[A-Za-z0-9 ._~!*'()+%&=/äß€-]{0,12}$/);
  const call = fc.record({
    method: fc.constantFrom("GET", "PUT", "POST", "DELETE"),
    service: fc.constantFrom("s3", "ec2", "iam"),
    path: fc.array(word, { maxLength: 4 }),
    query: fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), word, { maxKeys: 4 }),
    meta: word,
    body: fc.string(),
  });

  it("is known for right however odd the call is, and for wrong when its query changes", async () => {
    await fc.assert(
      fc.asyncProperty(call, async ({ method, service, path, query, meta, body }) => {
        const signer = new SignatureV4({
          credentials: s3Key,
          region: "eu-central-1",
          service,
          sha256: Sha256,
          uriEscapePath: service !== "s3",
        });
        const encoded = service === "s3" ? `/${path.map((part) => encodeURIComponent(part)).join("/")}` : "/";
        const signed = await signer.sign(
          {
            method,
            protocol: "http:",
            hostname: "",
            path: encoded,
            query,
            headers: { host: "127.0.0.1:4000", "x-amz-meta-own": meta },
            body,
          },
          { signingDate: new Date(at) },
        );
        const search = Object.entries(query).map((pair) =>
          pair.map((text) => encodeURIComponent(text)).join("="),
        );
        const url = search.length === 0 ? encoded : `${encoded}?${search.join("&")}`;
        const head = { method, url, headers: signed.headers };
        const hash = createHash("sha256").update(body).digest("hex");
        assert.equal(await check(head, s3Key, hash, at), "right");
        const more = { ...head, url: `${url}${search.length === 0 ? "?" : "&"}zz=1` };
        assert.equal(await check(more, s3Key, hash, at), "wrong-signature");
      }),
    );
  });

  it("that can't be read is no signature", async () => {
    const [vector] = vectors;
    assert.ok(vector);
    const { head, key, payloadHash } = vector;
    const right = String(head.headers.authorization);
    for (const authorization of [
      "",
      "Bearer x",
      right.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
      right.replace("aws4_request", "aws5_request"),
      right.replace("Signature=f0", "Signature=F0"),
      `${right}00`,
      right.replace("/s3/", "/s3/s3/"),
      right.replace("/20130524/", "/20130525/"),
    ]) {
      const told = await check(
        { ...head, headers: { ...head.headers, authorization } },
        key,
        payloadHash,
        vector.at,
      );
      assert.equal(told, "malformed", authorization);
    }
    const twice = { ...head, url: `${head.url}?X-Amz-Signature=${"0".repeat(64)}` };
    assert.equal(await check(twice, key, payloadHash, vector.at), "malformed");
    const broken = { ...head, url: `${head.url}?a=%zz` };
    assert.equal(await check(broken, key, payloadHash, vector.at), "malformed");
  });
});
