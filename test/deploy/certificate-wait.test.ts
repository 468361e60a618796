import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lookAtNews } from "../../lib/deploy/certificate.ts";

const now = Date.parse("2026-11-26T12:00:00Z");
const names = ["app.example.org", "www.example.org"];
const certificate = {
  names,
  issuer: "Let's Encrypt YE1",
  notBefore: "2026-11-26T11:00:00Z",
  notAfter: "2026-12-26T11:00:00Z",
};
const failed = (next: string, failures: number) => ({ wanted: names, error: "no answer", failures, next });

describe("the wait for a certificate", () => {
  it("ends by a certificate for all names", () => {
    assert.deepEqual(lookAtNews({ wanted: names, certificate }, names, now), { done: true });
    const half = { ...certificate, names: ["app.example.org"] };
    assert.deepEqual(lookAtNews({ wanted: names, certificate: half }, names, now), {
      waiting: "waiting for the certificate of app.example.org, www.example.org",
    });
  });

  it("goes on while the host hasn't read the names, whatever it says of others", () => {
    const other = { wanted: ["203.0.113.7"], error: "no answer", failures: 9, next: "2026-11-26T18:00:00Z" };
    assert.deepEqual(lookAtNews(other, names, now), {
      waiting:
        "waiting for the host to ask for a certificate of app.example.org, www.example.org: its edge reads domains first, which takes a minute or two",
    });
    assert.deepEqual(lookAtNews({ wanted: [] }, ["203.0.113.7"], now), {
      waiting: "waiting for the host to ask for a certificate of 203.0.113.7",
    });
  });

  it("goes on after a failure as long as the next try is near", () => {
    assert.deepEqual(lookAtNews(failed("2026-11-26T12:00:20Z", 2), names, now), {
      waiting: "waiting for the certificate of app.example.org, www.example.org: no answer",
    });
  });

  it("ends without a certificate where the next try is late, or three have failed", () => {
    assert.deepEqual(lookAtNews(failed("2026-11-26T12:01:01Z", 1), names, now), { done: true });
    assert.deepEqual(lookAtNews(failed("2026-11-26T12:00:20Z", 3), names, now), { done: true });
  });
});
