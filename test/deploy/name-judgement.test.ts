import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorityOf, describeAnswers, judgeName, type NameAim } from "../../lib/deploy/name-judgement.ts";
import type { NameAnswers } from "../../lib/deploy/name-lookup.ts";

const name = "app.example.org";
const aim: NameAim = {
  address: "203.0.113.7",
  zone: undefined,
  isPending: false,
  authority: "letsencrypt.org",
};
const good: NameAnswers = {
  name,
  ipv4: { values: ["203.0.113.7"] },
  ipv6: { values: [] },
  caa: { values: [] },
};
const zone = { id: "Z1", name: "example.org" };

function only(answers: Partial<NameAnswers>, more: Partial<NameAim> = {}) {
  const found = judgeName({ ...good, ...answers }, { ...aim, ...more });
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0];
}

const none = (answers: Partial<NameAnswers>, more: Partial<NameAim> = {}) =>
  assert.deepEqual(judgeName({ ...good, ...answers }, { ...aim, ...more }), []);

describe("what DNS answers for a name", () => {
  it("is right if it leads to the address and nowhere else", () => none({}));

  it("is named if the name doesn't resolve, with the record to set", () => {
    const found = only({ ipv4: { values: [] } });
    assert.equal(found?.code, "name-unresolved");
    assert.equal(found?.message, "app.example.org doesn't resolve");
    assert.match(found?.hint ?? "", /set the record `app\.example\.org\. 60 IN A 203\.0\.113\.7`/);
  });

  it("is named if it leads elsewhere, or also elsewhere", () => {
    const found = only({ ipv4: { values: ["198.51.100.1"] } });
    assert.equal(found?.code, "name-elsewhere");
    assert.equal(found?.message, "app.example.org leads to 198.51.100.1, and not to 203.0.113.7");
    const both = only({ ipv4: { values: ["203.0.113.7", "198.51.100.1"] } });
    assert.equal(both?.message, "app.example.org leads also to 198.51.100.1, and not only to 203.0.113.7");
  });

  it("is named if it leads anywhere before there is an address", () => {
    assert.equal(only({}, { address: undefined })?.message, "app.example.org leads to 203.0.113.7");
    assert.match(only({ ipv4: { values: [] } }, { address: undefined })?.hint ?? "", /^up tells the record/);
  });

  it("is left to up where that sets the record", () => {
    none({ ipv4: { values: [] } }, { zone, isPending: true });
    none({ ipv4: { values: ["198.51.100.1"] } }, { zone, isPending: true });
  });

  it("is the registrar's matter where the record is set but nobody asks its zone", () => {
    const found = only({ ipv4: { values: [] } }, { zone });
    assert.match(found?.message ?? "", /its record is in hosted zone Z1/);
    assert.match(found?.hint ?? "", /registrar of example\.org.*get-hosted-zone --id Z1/);
  });

  it("is named if DNS fails, which is not the same as no such name", () => {
    assert.equal(only({ ipv4: { failure: "ETIMEOUT" } })?.code, "name-unanswered");
    none({ ipv6: { failure: "ETIMEOUT" }, caa: { failure: "ESERVFAIL" } });
  });

  it("is named if there is an AAAA record", () => {
    const found = only({ ipv6: { values: ["2001:db8::1"] } });
    assert.equal(found?.code, "name-aaaa");
    assert.match(found?.message ?? "", /2001:db8::1/);
  });

  it("names all at once, and first what is first", () => {
    const caa = { values: [{ critical: 0, issue: ";" }] };
    const found = judgeName({ name, ipv4: { values: [] }, ipv6: { values: ["::1"] }, caa }, aim);
    assert.deepEqual(
      found.map(({ code }) => code),
      ["name-unresolved", "name-aaaa", "name-caa"],
    );
  });
});

describe("CAA records", () => {
  const caa = (...values: readonly { critical: number; [tag: string]: string | number }[]) => ({
    caa: { values: [...values] },
  });
  const issue = (text: string) => ({ critical: 0, issue: text });

  for (const text of [
    "letsencrypt.org",
    "LetsEncrypt.org",
    "letsencrypt.org; validationmethods=dns-01,http-01",
    "letsencrypt.org;accounturi=https://example.org/1",
  ]) {
    it(`allow it by ${text}`, () => none(caa(issue(text))));
  }

  for (const text of [
    ";",
    "",
    "other.example",
    "letsencrypt.org.example",
    "letsencrypt.org; validationmethods=dns-01",
  ]) {
    it(`forbid it by ${JSON.stringify(text)} alone`, () => {
      const found = only(caa(issue(text)));
      assert.equal(found?.code, "name-caa");
      assert.match(found?.message ?? "", /forbids letsencrypt\.org a certificate for app\.example\.org/);
    });
  }

  it("allow it if one of them does", () => none(caa(issue("other.example"), issue("letsencrypt.org"))));

  it("say nothing about it with other properties", () =>
    none(caa({ critical: 0, iodef: "mailto:a@example.org" }, { critical: 128, issuewild: ";" })));

  it("forbid it by a critical property that nobody knows", () => {
    assert.equal(only(caa({ critical: 128, future: "x" }))?.code, "name-caa");
    none(caa({ critical: 0, future: "x" }));
  });

  it("aren't judged for an authority whose name isn't known", () => {
    none(caa(issue(";")), { authority: undefined });
    assert.equal(authorityOf("https://acme-v02.api.letsencrypt.org/directory"), "letsencrypt.org");
    assert.equal(authorityOf("https://acme-staging-v02.api.letsencrypt.org/directory"), "letsencrypt.org");
    assert.equal(authorityOf("https://ca.example.org/api.letsencrypt.org/directory"), undefined);
  });
});

it("is described in one line", () => {
  assert.equal(describeAnswers(good), "app.example.org leads to 203.0.113.7");
  assert.equal(
    describeAnswers({ ...good, ipv6: { values: ["::1"] } }),
    "app.example.org leads to 203.0.113.7, ::1",
  );
  assert.equal(describeAnswers({ ...good, ipv4: { values: [] } }), "app.example.org doesn't resolve");
  assert.equal(
    describeAnswers({ ...good, ipv4: { failure: "ETIMEOUT" } }),
    "app.example.org: no answer (ETIMEOUT)",
  );
});
