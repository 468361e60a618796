import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HttpsNews, httpsLines, isSecured } from "../../lib/release/certificate.ts";
import { parseHostReport } from "../../lib/release/reports.ts";
import { at } from "./releases.ts";

const now = Date.parse("2026-11-26T12:00:00Z");
const certificate = {
  names: ["203.0.113.7"],
  issuer: "Let's Encrypt YE1",
  notBefore: "2026-11-26T10:00:00Z",
  notAfter: "2026-12-03T02:00:00Z",
};
const wanted = ["203.0.113.7"];

describe("a certificate", () => {
  it("secures exactly the names that are wanted, until it ends", () => {
    const news: HttpsNews = { wanted, certificate };
    assert.equal(isSecured(news, wanted, now), true);
    assert.equal(isSecured(news, ["203.0.113.7", "app.example.org"], now), false);
    assert.equal(isSecured(news, ["203.0.113.8"], now), false);
    assert.equal(isSecured(news, wanted, Date.parse(certificate.notAfter)), false);
    assert.equal(isSecured({ wanted }, wanted, now), false);
    assert.equal(isSecured(undefined, wanted, now), false);
    assert.equal(
      isSecured({ wanted, certificate: { ...certificate, notAfter: "soon" } }, wanted, now),
      false,
    );
  });

  it("is told with its end and its renewal", () => {
    assert.deepEqual(httpsLines({ wanted, certificate, next: "2026-11-29T18:00:00Z" }, now), [
      "https       203.0.113.7, by Let's Encrypt YE1, until 2026-12-03T02:00:00Z (6 days left)",
      "            the host tries to renew it at 2026-11-29T18:00:00Z",
    ]);
    assert.deepEqual(httpsLines({ wanted, certificate }, Date.parse("2026-12-02T02:00:00Z")), [
      "https       203.0.113.7, by Let's Encrypt YE1, until 2026-12-03T02:00:00Z (1 day left)",
    ]);
    assert.deepEqual(httpsLines(undefined, now), []);
  });

  it("is told as expired, loudly", () => {
    assert.deepEqual(httpsLines({ wanted, certificate }, Date.parse("2026-12-04T02:00:00Z")), [
      "https       203.0.113.7, by Let's Encrypt YE1, EXPIRED since 2026-12-03T02:00:00Z",
    ]);
  });

  it("that there isn't is told with the reason and the next try", () => {
    const next = "2026-11-26T12:05:00Z";
    assert.deepEqual(
      httpsLines({ wanted: ["app.example.org"], error: "no answer", failures: 3, next }, now),
      [
        "https       no certificate yet for app.example.org",
        "            failed 3 times in a row: no answer",
        "            the host tries again at 2026-11-26T12:05:00Z",
      ],
    );
  });

  it("is read from a host's report, and refused where it is none", () => {
    const read = (https: unknown) =>
      parseHostReport(JSON.stringify({ release: 4, status: "serving", at, https }), "i-1");
    const news = { wanted, certificate, error: "no", cause: "dns", failures: 2, next: "then" };
    assert.deepEqual(read(news).report?.https, news);
    assert.match(read({ wanted: "all" }).problem ?? "", /https.wanted/);
    assert.match(read({ wanted: Array.from({ length: 101 }, () => "a") }).problem ?? "", /https.wanted/);
  });
});
